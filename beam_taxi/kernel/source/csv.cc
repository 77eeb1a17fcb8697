// Where the records of CSV begin and end, and which types their plain cells have.
//
// beam_taxi/inputs/csv/boundaries.py says what a quote does, column_types.py which type a cell has.

#include <string.h>

#include <algorithm>
#include <initializer_list>

#include "kernel.h"

namespace beam_taxi {
namespace {

constexpr int64_t kNowhere = -1;
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

// A reader in one of the two states.
struct Reader {
  explicit Reader(bool begins_inside) : inside(begins_inside) {}

  bool inside;
  int64_t first_end = kNowhere, first_lines = 0, last_end = kNowhere, edge = kNowhere, edge_lines = 0;
  bool plausible = true;

  void EndLine(int64_t place, int64_t lines) {
    if (inside) return;
    if (first_end == kNowhere) {
      first_end = place;
      first_lines = lines;
    }
    last_end = place;
  }

  // A run of quotes up to `last`. Where they are ordinary characters, the state was not plausible, if it mattered.
  void Quotes(int64_t last, int64_t count, bool begins_field, int64_t lines, bool matters) {
    if (inside || begins_field) {
      edge = last;
      edge_lines = lines;
      inside ^= count & 1;
    } else if (matters) {
      plausible = false;
    }
  }

  BeamTaxiOutcome Outcome() const {
    return {first_end, first_lines, last_end, inside, inside ? edge : kNowhere, edge_lines, plausible};
  }
};

int64_t Enter(const uint8_t* data, int64_t size, const BeamTaxiDialect& dialect, int64_t previous,
              BeamTaxiOutcome* outcomes) {
  Reader outside(false), inside(true);
  const Stops stops{'\n', '\r', dialect.quote};
  const uint8_t* const end = data + size;
  int64_t lines = 0;
  bool matters = true;
  for (const uint8_t* at = stops.Next(data, end); at < end; at = stops.Next(at, end)) {
    const int64_t place = at - data;
    if (*at != dialect.quote) {
      ++at;
      if (at[-1] == '\r' && at < end && *at == '\n') continue;  // The LF ends the line.
      ++lines;
      outside.EndLine(place, lines);
      inside.EndLine(place, lines);
      continue;
    }
    const uint8_t* const first = at;
    while (at < end && *at == dialect.quote) ++at;
    const int64_t before = place ? first[-1] : previous;
    const bool begins_field = before == kNowhere || before == dialect.delimiter || before == '\n' || before == '\r';
    const int64_t count = at - first, last = at - data - 1;
    outside.Quotes(last, count, begins_field, lines, matters);
    inside.Quotes(last, count, begins_field, lines, matters);
    // Behind an odd run that does not begin a field both are outside. (At the beginning nobody knows whether it does.)
    if (count & 1 && !begins_field && place) matters = false;
  }
  outcomes[0] = outside.Outcome();
  outcomes[1] = inside.Outcome();
  return lines;
}

enum Type : uint8_t { kUnknown = 0, kInt = 1, kFloat = 2, kString = 3, kOdd = 4 };

// Digits that an int64 holds, whatever they are.
constexpr int64_t kSafeDigits = 18;

bool IsDigit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

bool InPlainNumber(uint8_t byte) { return IsDigit(byte) || (byte && strchr("+-.eE", byte)); }

// What an int or a float can have in Python, besides digits: signs, points, blanks, underscores, and the letters of e,
// inf, infinity and nan.
class OfNumbers {
 public:
  OfNumbers() {
    for (const char byte : "0123456789+-._eEiInNfFtTyYaA \t\n\v\f\r") of_numbers_[static_cast<uint8_t>(byte)] = true;
    of_numbers_[0] = false;
  }
  bool operator()(uint8_t byte) const { return of_numbers_[byte]; }

 private:
  bool of_numbers_[256] = {};
};

const OfNumbers of_numbers;

// The type of the plain number that begins at `*at`, which becomes the place behind it; kUnknown where none does.
Type BehindNumber(const uint8_t** at, const uint8_t* end) {
  const uint8_t* now = *at;
  if (now < end && *now == '-') ++now;
  const uint8_t* digits = now;
  while (now < end && IsDigit(*now)) ++now;
  int64_t count = now - digits;
  Type type = count > kSafeDigits ? kOdd : kInt;
  if (now < end && *now == '.') {
    const uint8_t* const point = now++;
    while (now < end && IsDigit(*now)) ++now;
    count += now - point - 1;
    type = kFloat;
  }
  if (!count) return kUnknown;
  *at = now;
  if (now == end || (*now != 'e' && *now != 'E')) return type;
  ++now;
  if (now < end && (*now == '-' || *now == '+')) ++now;
  digits = now;
  while (now < end && IsDigit(*now)) ++now;
  if (now == digits) return type;
  *at = now;
  return kFloat;
}

Type TypeOf(const uint8_t* cell, const uint8_t* end) {
  const uint8_t* at = cell;
  const Type type = BehindNumber(&at, end);
  if (at == end && type != kUnknown) return type;
  return std::all_of(cell, end, of_numbers) ? kOdd : kString;
}

class Examiner {
 public:
  Examiner(const BeamTaxiDialect& dialect, int64_t columns, uint8_t* types, BeamTaxiCell* odd, int64_t odd_room)
      : dialect_(dialect),
        columns_(columns),
        types_(types),
        odd_(odd),
        odd_room_(odd_room),
        ends_cell_{dialect.delimiter, '\n', '\r'} {}

  int64_t Examine(const uint8_t* data, int64_t size) {
    // Such a character could be taken for a part of a number.
    if (InPlainNumber(static_cast<uint8_t>(dialect_.delimiter))) return kBeamTaxiNotPlain;
    data_ = data;
    const uint8_t* at = data;
    const uint8_t* const end = data + size;
    while (at < end) {
      if (!IsLineEnd(*at)) {
        at = BehindRecord(at, end);
        if (!at) return kBeamTaxiNotPlain;
        ++rows_;
      } else if (!dialect_.skip_blank_lines) {
        ++rows_;
      }
      if (at < end) at += *at == '\r' && at + 1 < end && at[1] == '\n' ? 2 : 1;
    }
    return kBeamTaxiOk;
  }

  int64_t rows() const { return rows_; }
  int64_t odd_count() const { return odd_count_; }

 private:
  static bool IsLineEnd(uint8_t byte) { return byte == '\n' || byte == '\r'; }

  // Where the record that begins at `at` ends; null where it is not plain.
  const uint8_t* BehindRecord(const uint8_t* at, const uint8_t* end) {
    for (int64_t column = 0; column < columns_; ++column) {
      const uint8_t* begin = at;
      const uint8_t* cell_end;
      if (at < end && *at == dialect_.quote) {
        bool doubled = false;
        at = BehindQuotes(at, end, &doubled);
        if (!at || (at < end && *at != dialect_.delimiter && !IsLineEnd(*at))) return nullptr;
        // A doubled quote is in no number, and nothing was given that may be spelled with one.
        if (doubled && (dialect_.null_count || of_numbers(static_cast<uint8_t>(dialect_.quote)))) return nullptr;
        if (doubled) types_[column] = kString;
        ++begin;
        cell_end = at - 1;
      } else {
        // Most cells are plain numbers, and what ends one ends the cell.
        const Type type = types_[column] == kString || dialect_.null_count ? kUnknown : BehindNumber(&at, end);
        const bool judged = type != kUnknown && type != kOdd && (at == end || ends_cell_.Has(*at));
        if (judged) types_[column] = std::max<uint8_t>(types_[column], type);
        cell_end = at = ends_cell_.Next(at, end);
        if (judged) begin = cell_end;
      }
      if (types_[column] != kString && !Judge(column, begin, cell_end)) return nullptr;
      if (at == end || *at != dialect_.delimiter) return column + 1 == columns_ ? at : nullptr;
      ++at;
    }
    return nullptr;
  }

  // Behind the quote that ends the quoted text at `at`; null where none does.
  const uint8_t* BehindQuotes(const uint8_t* at, const uint8_t* end, bool* doubled) const {
    const int quote = static_cast<int>(dialect_.quote);
    for (++at; at < end; *doubled = true, ++at) {
      at = static_cast<const uint8_t*>(memchr(at, quote, static_cast<size_t>(end - at)));
      if (!at) return nullptr;
      ++at;
      if (at == end || *at != quote) return at;
    }
    return nullptr;
  }

  bool IsNull(const uint8_t* begin, const uint8_t* end) const {
    const int64_t size = end - begin;
    if (!size) return true;
    for (int64_t i = 0; i < dialect_.null_count; ++i) {
      if (dialect_.null_sizes[i] == size && !memcmp(dialect_.nulls[i], begin, static_cast<size_t>(size))) return true;
    }
    return false;
  }

  // Takes a cell into account; returns whether it was possible.
  bool Judge(int64_t column, const uint8_t* begin, const uint8_t* end) {
    if (IsNull(begin, end)) return true;
    const Type type = TypeOf(begin, end);
    if (type != kOdd) {
      types_[column] = std::max<uint8_t>(types_[column], type);
      return true;
    }
    if (odd_count_ == odd_room_) return false;
    odd_[odd_count_++] = {column, begin - data_, end - begin};
    return true;
  }

  const BeamTaxiDialect& dialect_;
  const int64_t columns_;
  uint8_t* const types_;
  BeamTaxiCell* const odd_;
  const int64_t odd_room_;
  const Stops ends_cell_;
  const uint8_t* data_ = nullptr;
  int64_t rows_ = 0, odd_count_ = 0;
};

}  // namespace
}  // namespace beam_taxi

extern "C" {

int64_t beam_taxi_enter(const uint8_t* data, int64_t size, const BeamTaxiDialect* dialect, int64_t previous,
                        BeamTaxiOutcome* outcomes) {
  return beam_taxi::Enter(data, size, *dialect, previous, outcomes);
}

int64_t beam_taxi_examine(const uint8_t* data, int64_t size, const BeamTaxiDialect* dialect, int64_t columns,
                          uint8_t* types, BeamTaxiCell* odd, int64_t odd_room, int64_t* odd_count, int64_t* rows) {
  beam_taxi::Examiner examiner(*dialect, columns, types, odd, odd_room);
  const int64_t status = examiner.Examine(data, size);
  *odd_count = examiner.odd_count();
  *rows = examiner.rows();
  return status;
}
}
