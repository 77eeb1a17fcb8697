// The values of columns, where all cells are plain ones of their types.

#include <locale.h>
#include <stdlib.h>

#include <cmath>
#include <new>
#include <string>
#include <vector>

#include "cells.h"
#include "kernel.h"

namespace beam_taxi {
namespace {

// The double that is nearest to a number, then the float that is nearest to that: TFX's floats are Python's at first.
float ToFloat(const Number& number, const uint8_t* begin) {
  static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  constexpr int64_t most = sizeof(powers) / sizeof(*powers) - 1;
  double found;
  if (number.count <= kSafeDigits && number.digits <= uint64_t{1} << 53 && std::abs(number.exponent) <= most) {
    // Both are doubles without an error, so there is only that of one operation. (Clinger, "How to Read Floating Point
    // Numbers Accurately", 1990.)
    found = static_cast<double>(number.digits);
    found = number.exponent < 0 ? found / powers[-number.exponent] : found * powers[number.exponent];
    if (number.negative) found = -found;
  } else {
    static const locale_t c_locale = newlocale(LC_ALL_MASK, "C", nullptr);
    found = strtod_l(std::string(begin, number.end).c_str(), nullptr, c_locale);
  }
  return static_cast<float>(found);
}

// Memory that grows, and is given away or back.
class Memory {
 public:
  Memory() = default;
  Memory(Memory&& other) : data_(other.data_), size_(other.size_), capacity_(other.capacity_) {
    other.data_ = nullptr;
  }
  Memory& operator=(Memory&&) = delete;
  ~Memory() { free(data_); }

  void Reserve(int64_t capacity) {
    if (capacity <= capacity_) return;
    void* data = realloc(data_, static_cast<size_t>(capacity));
    if (!data) throw std::bad_alloc();
    data_ = static_cast<uint8_t*>(data);
    capacity_ = capacity;
  }

  // Room for `size` bytes more, behind the others.
  uint8_t* Add(int64_t size) {
    if (size_ + size > capacity_) Reserve(2 * (size_ + size) + 64);
    uint8_t* added = data_ + size_;
    size_ += size;
    return added;
  }

  void Shrink(int64_t by) { size_ -= by; }

  template <typename Number>
  void Append(Number number) {
    memcpy(Add(sizeof(number)), &number, sizeof(number));
  }

  uint8_t* data() { return data_; }
  int64_t size() const { return size_; }

  uint8_t* Release() {
    uint8_t* data = data_;
    data_ = nullptr;
    return data;
  }

 private:
  uint8_t* data_ = nullptr;
  int64_t size_ = 0, capacity_ = 0;
};

// Collects the values of columns.
class Decoder {
 public:
  Decoder(const Walker& walker, int64_t columns, const uint8_t* kinds, int64_t most_rows)
      : walker_(walker), most_rows_(most_rows), columns_(static_cast<size_t>(columns)) {
    for (size_t i = 0; i < columns_.size(); ++i) {
      Values& column = columns_[i];
      column.kind = kinds[i];
      if (column.kind == kBeamTaxiInt64) column.data.Reserve(most_rows * 8);
      if (column.kind == kBeamTaxiFloat) column.data.Reserve(most_rows * 4);
      if (column.kind == kBeamTaxiBytes) {
        column.ends.Reserve((most_rows + 1) * 4);
        column.ends.Append<int32_t>(0);
      }
    }
  }

  const uint8_t* Plain(int64_t place, const uint8_t* at, const uint8_t* end) {
    Values& column = columns_[static_cast<size_t>(place)];
    if (column.kind == kBeamTaxiSkipped) return walker_.CellEnd(at, end);
    if (walker_.has_nulls() || walker_.EndsCell(at, end)) return nullptr;
    if (column.kind == kBeamTaxiBytes) {
      const uint8_t* const behind = walker_.CellEnd(at, end);
      return AddBytes(column, at, behind, false) ? behind : nullptr;
    }
    const Number number = ReadNumber(at, end);
    return number.end && walker_.EndsCell(number.end, end) && AddNumber(column, number, at) ? number.end : nullptr;
  }

  bool Cell(int64_t place, const uint8_t* begin, const uint8_t* end, bool doubled) {
    Values& column = columns_[static_cast<size_t>(place)];
    if (column.kind == kBeamTaxiSkipped) return true;
    if (walker_.IsNull(begin, end)) {
      AddNull(column);
      return true;
    }
    if (column.kind == kBeamTaxiBytes) return AddBytes(column, begin, end, doubled);
    const Number number = ReadNumber(begin, end);
    return !doubled && number.end == end && AddNumber(column, number, begin);
  }

  void EndRow() { ++rows_; }

  void BlankRow() {
    for (Values& column : columns_) AddNull(column);
    ++rows_;
  }

  int64_t rows() const { return rows_; }

  void Release(BeamTaxiValues* values) {
    for (Values& column : columns_) {
      const int64_t size = column.data.size();
      *values++ = {column.data.Release(), reinterpret_cast<int32_t*>(column.ends.Release()), column.validity.Release(),
                   column.nulls, size};
    }
  }

 private:
  struct Values {
    int64_t kind = kBeamTaxiNull;
    Memory data, ends, validity;
    int64_t nulls = 0;
  };

  bool AddNumber(Values& column, const Number& number, const uint8_t* begin) const {
    if (column.kind == kBeamTaxiFloat) {
      column.data.Append(ToFloat(number, begin));
      return true;
    }
    if (column.kind != kBeamTaxiInt64 || TypeOf(number) != kInt) return false;
    const auto value = static_cast<int64_t>(number.digits);
    column.data.Append(number.negative ? -value : value);
    return true;
  }

  // Where quotes are doubled, one of each pair is left out.
  bool AddBytes(Values& column, const uint8_t* begin, const uint8_t* end, bool doubled) const {
    uint8_t* out = column.data.Add(end - begin);
    if (!doubled) {
      memcpy(out, begin, static_cast<size_t>(end - begin));
    } else {
      for (const uint8_t* at = begin; at < end; ++at) {
        *out++ = *at;
        if (*at == walker_.quote()) ++at;
      }
      column.data.Shrink(column.data.data() + column.data.size() - out);
    }
    if (column.data.size() > INT32_MAX) return false;
    column.ends.Append(static_cast<int32_t>(column.data.size()));
    return true;
  }

  void AddNull(Values& column) {
    if (column.kind == kBeamTaxiNull || column.kind == kBeamTaxiSkipped) return;
    if (!column.nulls++) {
      const int64_t size = (most_rows_ + 7) / 8;
      memset(column.validity.Add(size), 0xff, static_cast<size_t>(size));
    }
    column.validity.data()[rows_ / 8] &= static_cast<uint8_t>(~(1 << rows_ % 8));
    if (column.kind == kBeamTaxiInt64) column.data.Append<int64_t>(0);
    if (column.kind == kBeamTaxiFloat) column.data.Append<float>(0);
    if (column.kind == kBeamTaxiBytes) column.ends.Append(static_cast<int32_t>(column.data.size()));
  }

  const Walker& walker_;
  const int64_t most_rows_;
  std::vector<Values> columns_;
  int64_t rows_ = 0;
};

// As many rows as there can be: of so many lines or, as blank ones are none, so many bytes.
int64_t MostRows(const uint8_t* data, int64_t size, const BeamTaxiDialect& dialect, int64_t columns) {
  const int64_t lines = 1 + std::count(data, data + size, '\n') + std::count(data, data + size, '\r');
  return dialect.skip_blank_lines ? std::min(lines, size / columns + 1) : lines;
}

}  // namespace
}  // namespace beam_taxi

extern "C" {

int64_t beam_taxi_decode(const uint8_t* data, int64_t size, const BeamTaxiDialect* dialect, int64_t columns,
                         const uint8_t* kinds, BeamTaxiValues* values, int64_t* rows) {
  try {
    const beam_taxi::Walker walker(*dialect, columns);
    beam_taxi::Decoder decoder(walker, columns, kinds, beam_taxi::MostRows(data, size, *dialect, columns));
    if (!walker.Walk(data, size, decoder)) return kBeamTaxiNotPlain;
    decoder.Release(values);
    *rows = decoder.rows();
    return kBeamTaxiOk;
  } catch (const std::bad_alloc&) {
    return kBeamTaxiNoMemory;
  }
}
}
