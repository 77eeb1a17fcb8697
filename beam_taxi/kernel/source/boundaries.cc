// Where the records of CSV begin and end, for a reader that enters a range outside quotes, and for one inside them.
//
// beam_taxi/inputs/csv/boundaries.py says what a quote does.

#include "cells.h"
#include "kernel.h"

namespace beam_taxi {
namespace {

constexpr int64_t kNowhere = -1;

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

}  // namespace
}  // namespace beam_taxi

extern "C" {

int64_t beam_taxi_enter(const uint8_t* data, int64_t size, const BeamTaxiDialect* dialect, int64_t previous,
                        BeamTaxiOutcome* outcomes) {
  return beam_taxi::Enter(data, size, *dialect, previous, outcomes);
}
}
