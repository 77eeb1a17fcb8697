// The cells of whole records of CSV, one by one, and the plain numbers among them.

#ifndef BEAM_TAXI_CELLS_H_
#define BEAM_TAXI_CELLS_H_

#include <stdint.h>
#include <string.h>

#include <algorithm>
#include <initializer_list>

#include "kernel.h"

namespace beam_taxi {

// Which bytes a loop stops at.
class Stops {
 public:
  Stops(std::initializer_list<int64_t> bytes) {
    for (const int64_t byte : bytes) {
      if (byte >= 0) stops_[byte] = true;
    }
  }

  bool Has(uint8_t byte) const { return stops_[byte]; }

  const uint8_t* Next(const uint8_t* at, const uint8_t* end) const {
    while (at < end && !stops_[*at]) ++at;
    return at;
  }

 private:
  bool stops_[256] = {};
};

inline bool IsLineEnd(uint8_t byte) { return byte == '\n' || byte == '\r'; }

inline bool IsDigit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

inline bool InPlainNumber(uint8_t byte) { return IsDigit(byte) || (byte && strchr("+-.eE", byte)); }

// Walks through whole records, cell by cell.
class Walker {
 public:
  Walker(const BeamTaxiDialect& dialect, int64_t columns)
      : dialect_(dialect), columns_(columns), ends_cell_{dialect.delimiter, '\n', '\r'} {}

  // Shows a visitor each cell, and tells it where a row ends. Returns whether all was plain.
  //
  //   Plain(column, at, end)   takes the unquoted cell that begins at `at` and returns where it ends; null where it
  //                            leaves it to Cell.
  //   Cell(column, begin, end, doubled)   takes a cell, in which quotes are doubled; returns whether it can.
  //   EndRow(), BlankRow()
  template <typename Visitor>
  bool Walk(const uint8_t* data, int64_t size, Visitor& visitor) const {
    // Such a character could be taken for a part of a number.
    if (InPlainNumber(static_cast<uint8_t>(dialect_.delimiter))) return false;
    const uint8_t* at = data;
    const uint8_t* const end = data + size;
    while (at < end) {
      if (!IsLineEnd(*at)) {
        at = BehindRecord(at, end, visitor);
        if (!at) return false;
        visitor.EndRow();
      } else if (!dialect_.skip_blank_lines) {
        visitor.BlankRow();
      }
      if (at < end) at += *at == '\r' && at + 1 < end && at[1] == '\n' ? 2 : 1;
    }
    return true;
  }

  bool EndsCell(const uint8_t* at, const uint8_t* end) const { return at == end || ends_cell_.Has(*at); }
  const uint8_t* CellEnd(const uint8_t* at, const uint8_t* end) const { return ends_cell_.Next(at, end); }

  bool IsNull(const uint8_t* begin, const uint8_t* end) const {
    const int64_t size = end - begin;
    if (!size) return true;
    for (int64_t i = 0; i < dialect_.null_count; ++i) {
      if (dialect_.null_sizes[i] == size && !memcmp(dialect_.nulls[i], begin, static_cast<size_t>(size))) return true;
    }
    return false;
  }

  bool has_nulls() const { return dialect_.null_count; }
  uint8_t quote() const { return static_cast<uint8_t>(dialect_.quote); }

 private:
  // Where the record that begins at `at` ends; null where it is not plain.
  template <typename Visitor>
  const uint8_t* BehindRecord(const uint8_t* at, const uint8_t* end, Visitor& visitor) const {
    for (int64_t column = 0; column < columns_; ++column) {
      if (at < end && *at == dialect_.quote) {
        const uint8_t* const begin = at + 1;
        bool doubled = false;
        at = BehindQuotes(at, end, &doubled);
        // A cell may go on behind its quotes, and a doubled quote may be in what stands for an empty cell.
        if (!at || !EndsCell(at, end) || (doubled && has_nulls())) return nullptr;
        if (!visitor.Cell(column, begin, at - 1, doubled)) return nullptr;
      } else if (const uint8_t* const behind = visitor.Plain(column, at, end)) {
        at = behind;
      } else {
        const uint8_t* const begin = at;
        at = CellEnd(at, end);
        if (!visitor.Cell(column, begin, at, false)) return nullptr;
      }
      if (at == end || *at != dialect_.delimiter) return column + 1 == columns_ ? at : nullptr;
      ++at;
    }
    return nullptr;
  }

  // Behind the quote that ends the quoted text at `at`; null where none does.
  const uint8_t* BehindQuotes(const uint8_t* at, const uint8_t* end, bool* doubled) const {
    for (++at; at < end; *doubled = true, ++at) {
      at = static_cast<const uint8_t*>(memchr(at, quote(), static_cast<size_t>(end - at)));
      if (!at) return nullptr;
      ++at;
      if (at == end || *at != quote()) return at;
    }
    return nullptr;
  }

  const BeamTaxiDialect& dialect_;
  const int64_t columns_;
  const Stops ends_cell_;
};

// A plain number: a sign or none, digits with a point among them or none, an exponent or none.
struct Number {
  const uint8_t* end = nullptr;  // Behind it; null where there is none.
  bool negative = false;
  bool is_float = false;
  uint64_t digits = 0;  // Without the point, as long as there are not too many.
  int64_t count = 0;    // How many digits.
  int64_t exponent = 0;
};

// Digits that an int64 holds, whatever they are.
constexpr int64_t kSafeDigits = 18;
constexpr int64_t kLargestExponent = 10000;

inline const uint8_t* ReadDigits(const uint8_t* at, const uint8_t* end, Number* number) {
  for (; at < end && IsDigit(*at); ++at) {
    if (++number->count <= kSafeDigits) number->digits = number->digits * 10 + (*at - '0');
  }
  return at;
}

inline Number ReadNumber(const uint8_t* at, const uint8_t* end) {
  Number number;
  if (at < end && *at == '-') {
    number.negative = true;
    ++at;
  }
  at = ReadDigits(at, end, &number);
  if (at < end && *at == '.') {
    const int64_t before = number.count;
    at = ReadDigits(at + 1, end, &number);
    number.exponent = before - number.count;
    number.is_float = true;
  }
  if (!number.count) return number;
  number.end = at;
  if (at == end || (*at != 'e' && *at != 'E')) return number;
  ++at;
  const bool down = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) ++at;
  if (at == end || !IsDigit(*at)) return number;
  int64_t exponent = 0;
  for (; at < end && IsDigit(*at); ++at) exponent = std::min(exponent * 10 + (*at - '0'), kLargestExponent);
  number.exponent += down ? -exponent : exponent;
  number.is_float = true;
  number.end = at;
  return number;
}

// As ColumnType numbers them; which an odd one is, Python says.
enum Type : uint8_t { kUnknown = 0, kInt = 1, kFloat = 2, kString = 3, kOdd = 4 };

inline Type TypeOf(const Number& number) {
  return number.is_float ? kFloat : number.count > kSafeDigits ? kOdd : kInt;
}

}  // namespace beam_taxi

#endif  // BEAM_TAXI_CELLS_H_
