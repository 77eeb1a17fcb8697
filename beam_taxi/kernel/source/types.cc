// The types of columns, by their plain cells.
//
// beam_taxi/inputs/csv/column_types.py says which type a cell has.

#include "cells.h"
#include "kernel.h"

namespace beam_taxi {
namespace {

// What an int or a float can have in Python, besides digits: signs, points, underscores, and the letters of e, inf,
// infinity and nan; and blanks around it.
class OfNumbers {
 public:
  OfNumbers() {
    for (const char byte : "0123456789+-._eEiInNfFtTyYaA") of_numbers_[static_cast<uint8_t>(byte)] = true;
    of_numbers_[0] = false;
  }
  bool operator()(uint8_t byte) const { return of_numbers_[byte]; }

 private:
  bool of_numbers_[256] = {};
};

const OfNumbers of_numbers;

bool IsBlank(uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

// Whether Python may take a cell for a number. Not for one of blanks, and not for a date, such as 2024-01-19: a sign
// stands at the beginning or behind an e.
bool MayBeNumber(const uint8_t* begin, const uint8_t* end) {
  while (begin != end && IsBlank(*begin)) ++begin;
  while (begin != end && IsBlank(end[-1])) --end;
  for (const uint8_t* at = begin; at != end; ++at) {
    if (!of_numbers(*at)) return false;
    if ((*at == '-' || *at == '+') && at != begin && (at[-1] | 0x20) != 'e') return false;
  }
  return begin != end;
}

// Finds the types of columns.
class Examiner {
 public:
  Examiner(const Walker& walker, const uint8_t* data, uint8_t* types, BeamTaxiCell* odd, int64_t odd_room)
      : walker_(walker), data_(data), types_(types), odd_(odd), odd_room_(odd_room) {}

  const uint8_t* Plain(int64_t column, const uint8_t* at, const uint8_t* end) {
    if (types_[column] == kString) return walker_.CellEnd(at, end);
    if (walker_.has_nulls()) return nullptr;
    const Number number = ReadNumber(at, end);
    if (!number.end || !walker_.EndsCell(number.end, end) || TypeOf(number) == kOdd) return nullptr;
    types_[column] = std::max<uint8_t>(types_[column], TypeOf(number));
    return number.end;
  }

  bool Cell(int64_t column, const uint8_t* begin, const uint8_t* end, bool doubled) {
    if (types_[column] == kString || walker_.IsNull(begin, end)) return true;
    if (doubled && (of_numbers(walker_.quote()) || IsBlank(walker_.quote()))) return false;
    const Number number = ReadNumber(begin, end);
    Type type = kString;
    if (number.end == end) {
      type = TypeOf(number);
    } else if (MayBeNumber(begin, end)) {
      type = kOdd;
    }
    if (type != kOdd) {
      types_[column] = std::max<uint8_t>(types_[column], type);
      return true;
    }
    if (odd_count_ == odd_room_) return false;
    odd_[odd_count_++] = {column, begin - data_, end - begin};
    return true;
  }

  void EndRow() { ++rows_; }
  void BlankRow() { ++rows_; }

  int64_t rows() const { return rows_; }
  int64_t odd_count() const { return odd_count_; }

 private:
  const Walker& walker_;
  const uint8_t* const data_;
  uint8_t* const types_;
  BeamTaxiCell* const odd_;
  const int64_t odd_room_;
  int64_t rows_ = 0, odd_count_ = 0;
};

}  // namespace
}  // namespace beam_taxi

extern "C" {

int64_t beam_taxi_examine(const uint8_t* data, int64_t size, const BeamTaxiDialect* dialect, int64_t columns,
                          uint8_t* types, BeamTaxiCell* odd, int64_t odd_room, int64_t* odd_count, int64_t* rows) {
  const beam_taxi::Walker walker(*dialect, columns);
  beam_taxi::Examiner examiner(walker, data, types, odd, odd_room);
  const bool plain = walker.Walk(data, size, examiner);
  *odd_count = examiner.odd_count();
  *rows = examiner.rows();
  return plain ? kBeamTaxiOk : kBeamTaxiNotPlain;
}
}
