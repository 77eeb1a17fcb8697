// Gives the kernel what any bytes say: as CSV in any dialect, as Arrow columns of any kind, and as frames of TFRecords.
//
// For libFuzzer, which looks for bytes that make it read or write where it must not. With REPLAY it is a program that
// prints what the kernel makes of the files that it is given, so that builds for different processors can be compared.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

#include "frames.h"
#include "hashes.h"
#include "kernel.h"

namespace {

// Takes numbers off the front of some bytes, and zeros behind their end.
class Source {
 public:
  Source(const uint8_t* data, size_t size) : data_(data), end_(data + size) {}

  int64_t Below(int64_t limit) { return data_ < end_ ? *data_++ % limit : 0; }

  uint8_t Byte() { return static_cast<uint8_t>(Below(256)); }

  size_t left() const { return static_cast<size_t>(end_ - data_); }

  // Memory of its own, so that whoever goes one byte too far is seen.
  std::unique_ptr<uint8_t[]> Take(size_t size) {
    std::unique_ptr<uint8_t[]> taken(new uint8_t[size]);
    for (size_t i = 0; i < size; ++i) taken[i] = Byte();
    return taken;
  }

 private:
  const uint8_t* data_;
  const uint8_t* const end_;
};

void Check(bool holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "%s\n", what);
  abort();
}

// A digest of all that the kernel gave.
class Digest {
 public:
  void Add(const void* data, size_t size) {
    const uint32_t parts[] = {crc_, beam_taxi::Crc32c(static_cast<const uint8_t*>(data), size)};
    crc_ = beam_taxi::Crc32c(reinterpret_cast<const uint8_t*>(parts), sizeof(parts));
  }
  uint32_t crc() const { return crc_; }

 private:
  uint32_t crc_ = 0;
};

void ExerciseCsv(Source& source, Digest& digest) {
  const char marks[] = {',', ';', '\t', '|', '"', '\'', '1', '-', ' '};
  BeamTaxiDialect dialect{};
  dialect.delimiter = marks[source.Below(sizeof(marks))];
  dialect.quote = source.Below(4) ? marks[source.Below(sizeof(marks))] : -1;
  dialect.skip_blank_lines = source.Below(2);
  const std::unique_ptr<uint8_t[]> null = source.Take(2);
  const uint8_t* nulls[] = {null.get()};
  const int64_t null_sizes[] = {2};
  dialect.nulls = nulls;
  dialect.null_sizes = null_sizes;
  dialect.null_count = source.Below(2);
  const int64_t columns = 1 + source.Below(6), room = source.Below(8), previous = source.Below(256) - 1;
  const auto size = static_cast<int64_t>(source.left());
  const std::unique_ptr<uint8_t[]> data = source.Take(source.left());

  BeamTaxiOutcome outcomes[2];
  const int64_t lines = beam_taxi_enter(data.get(), size, &dialect, previous, outcomes);
  digest.Add(outcomes, sizeof(outcomes));
  for (const BeamTaxiOutcome& outcome : outcomes) {
    for (const int64_t place : {outcome.first_end, outcome.last_end, outcome.open_quote}) {
      Check(-1 <= place && place < size, "a place outside the bytes");
    }
    Check(outcome.first_lines <= lines && outcome.quote_lines <= lines, "more lines than there are");
  }

  std::vector<uint8_t> kinds(static_cast<size_t>(columns));
  for (uint8_t& kind : kinds) kind = static_cast<uint8_t>((size + columns + (&kind - kinds.data())) % 5);
  std::vector<BeamTaxiValues> values(static_cast<size_t>(columns));
  int64_t decoded = 0;
  if (beam_taxi_decode(data.get(), size, &dialect, columns, kinds.data(), values.data(), &decoded) == kBeamTaxiOk) {
    for (size_t i = 0; i < values.size(); ++i) {
      const BeamTaxiValues& column = values[i];
      Check(0 <= column.nulls && column.nulls <= decoded, "more nulls than rows");
      if (column.size) digest.Add(column.data, static_cast<size_t>(column.size));
      if (kinds[i] == kBeamTaxiBytes) digest.Add(column.ends, static_cast<size_t>(decoded + 1) * sizeof(*column.ends));
      if (column.validity) digest.Add(column.validity, static_cast<size_t>(decoded / 8));
      beam_taxi_free(column.data);
      beam_taxi_free(column.ends);
      beam_taxi_free(column.validity);
    }
  }

  std::vector<uint8_t> types(static_cast<size_t>(columns));
  std::vector<BeamTaxiCell> odd(static_cast<size_t>(room));
  int64_t odd_count = 0, rows = 0;
  const int64_t status =
      beam_taxi_examine(data.get(), size, &dialect, columns, types.data(), odd.data(), room, &odd_count, &rows);
  digest.Add(&status, sizeof(status));
  if (status != kBeamTaxiOk) return;
  Check(0 <= rows && rows <= lines + 1, "more rows than lines");
  Check(odd_count <= room, "more odd cells than there is room for");
  digest.Add(types.data(), types.size());
  digest.Add(&rows, sizeof(rows));
  for (int64_t i = 0; i < odd_count; ++i) {
    const BeamTaxiCell& cell = odd[static_cast<size_t>(i)];
    Check(0 <= cell.column && cell.column < columns, "an odd cell of no column");
    Check(0 <= cell.begin && 0 < cell.size && cell.begin + cell.size <= size, "an odd cell outside the bytes");
    digest.Add(&cell, sizeof(cell));
  }
}

// A column with all the memory that it is in.
struct Column {
  std::unique_ptr<uint8_t[]> name, validity, lists, ends, data;
  BeamTaxiColumn column{};
};

// Ends of `count` values, one behind the other, and where the last is.
template <typename End>
int64_t Ends(Source& source, int64_t count, int64_t longest, std::unique_ptr<uint8_t[]>* memory) {
  const auto size = static_cast<size_t>(count + 1) * sizeof(End);
  memory->reset(new uint8_t[size]);
  auto end = static_cast<End>(source.Below(3));
  for (int64_t i = 0; i <= count; ++i) {
    memcpy(memory->get() + static_cast<size_t>(i) * sizeof(End), &end, sizeof(End));
    if (i < count) end = static_cast<End>(end + source.Below(longest));
  }
  return end;
}

Column MakeColumn(Source& source, int64_t rows) {
  Column made;
  BeamTaxiColumn& column = made.column;
  column.kind = source.Below(4);
  column.name_size = source.Below(4) ? source.Below(12) : source.Byte();
  made.name = source.Take(static_cast<size_t>(column.name_size));
  column.name = made.name.get();
  column.offset = source.Below(10);
  int64_t items = column.offset + rows;
  if (source.Below(2)) {
    made.validity = source.Take(static_cast<size_t>((items + 7) / 8));
    column.validity = made.validity.get();
  }
  if (column.kind != kBeamTaxiNull && source.Below(2)) {
    column.list_width = source.Below(2) ? 4 : 8;
    column.item_offset = source.Below(4);
    items = column.item_offset + (column.list_width == 4 ? Ends<int32_t>(source, items, 5, &made.lists)
                                                         : Ends<int64_t>(source, items, 5, &made.lists));
    column.lists = made.lists.get();
  }
  int64_t size = items * (column.kind == kBeamTaxiInt64 ? 8 : 4);
  if (column.kind == kBeamTaxiBytes) {
    size = Ends<int32_t>(source, items, source.Below(4) ? 30 : 256, &made.ends);
    // Its memory is aligned as new gives it.
    column.ends = reinterpret_cast<const int32_t*>(made.ends.get());
  }
  if (column.kind != kBeamTaxiNull) {
    made.data = source.Take(static_cast<size_t>(size));
    column.data = made.data.get();
  }
  return made;
}

void ExerciseExamples(Source& source, Digest& digest) {
  const int64_t rows = source.Below(9), missing = source.Below(2), splitting = source.Below(3);
  const int64_t splits = splitting == kBeamTaxiOneSplit ? 1 : 1 + source.Below(5);
  std::vector<uint64_t> limits;
  for (int64_t i = 0; i < splits; ++i) {
    limits.push_back((limits.empty() ? 0 : limits.back()) + 1 + static_cast<uint64_t>(source.Byte()));
  }
  std::vector<int32_t> chosen(static_cast<size_t>(rows));
  for (int32_t& split : chosen) split = static_cast<int32_t>(source.Below(splits));
  std::vector<Column> made;
  std::vector<BeamTaxiColumn> columns;
  for (int64_t i = source.Below(5); i > 0; --i) {
    made.push_back(MakeColumn(source, rows));
    columns.push_back(made.back().column);
  }
  std::vector<BeamTaxiRecords> records(static_cast<size_t>(splits));
  const bool keep = source.Below(4);
  const int64_t status = beam_taxi_encode(columns.data(), static_cast<int64_t>(columns.size()), rows, missing,
                                          splitting, limits.data(), splits,
                                          splitting == kBeamTaxiOneSplit ? nullptr : chosen.data(),
                                          keep ? records.data() : nullptr);
  Check(status == kBeamTaxiOk, "these are no large records");
  int64_t kept = 0;
  for (const BeamTaxiRecords& each : records) {
    if (!keep) continue;
    kept += each.records;
    digest.Add(each.ends, static_cast<size_t>(each.records + 1) * sizeof(*each.ends));
    if (each.records) digest.Add(each.data, static_cast<size_t>(each.ends[each.records]));
    beam_taxi_free(each.data);
    beam_taxi_free(each.ends);
  }
  Check(!keep || kept == rows, "not a record for each row");
  for (const int32_t split : chosen) Check(0 <= split && split < splits, "no such split");
  digest.Add(chosen.data(), chosen.size() * sizeof(int32_t));
}

void PutChecksum(const uint8_t* data, size_t size, uint8_t* out) {
  const uint32_t masked = beam_taxi::MaskedCrc(data, static_cast<int64_t>(size));
  for (int i = 0; i < 4; ++i) *out++ = static_cast<uint8_t>(masked >> (8 * i));
}

// Whole frames with a damaged byte in them or none, and any bytes behind them.
void ExerciseFrames(Source& source, Digest& digest) {
  std::vector<uint8_t> bytes;
  const int64_t frames = source.Below(4);
  for (int64_t i = 0; i < frames; ++i) {
    const size_t begin = bytes.size(), size = source.Byte();
    bytes.resize(begin + 12 + size + 4);
    bytes[begin] = static_cast<uint8_t>(size);
    for (size_t j = 0; j < size; ++j) bytes[begin + 12 + j] = source.Byte();
    PutChecksum(bytes.data() + begin, 8, bytes.data() + begin + 8);
    PutChecksum(bytes.data() + begin + 12, size, bytes.data() + begin + 12 + size);
  }
  if (!bytes.empty() && source.Below(2)) bytes[static_cast<size_t>(source.Byte()) % bytes.size()] ^= source.Byte();
  while (source.left()) bytes.push_back(source.Byte());
  std::unique_ptr<uint8_t[]> memory(new uint8_t[bytes.size()]);
  std::copy(bytes.begin(), bytes.end(), memory.get());

  const auto size = static_cast<int64_t>(bytes.size());
  int64_t records = 0, damage = 0;
  const int64_t taken = beam_taxi_check_frames(memory.get(), size, &records, &damage);
  Check(0 <= taken && taken <= size && taken >= 16 * records, "frames outside the bytes");
  digest.Add(&taken, sizeof(taken));
  digest.Add(&records, sizeof(records));
  digest.Add(&damage, sizeof(damage));
}

uint32_t Exercise(const uint8_t* data, size_t size) {
  Source source(data, size);
  Digest digest;
  void (*const exercises[])(Source&, Digest&) = {ExerciseCsv, ExerciseExamples, ExerciseFrames};
  exercises[source.Below(3)](source, digest);
  return digest.crc();
}

}  // namespace

#ifdef REPLAY

int main(int count, char** words) {
  for (int i = 1; i < count; ++i) {
    std::ifstream file(words[i], std::ios::binary);
    const std::vector<char> content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const auto* data = reinterpret_cast<const uint8_t*>(content.data());
    beam_taxi_use_instructions(1);
    const uint32_t found = Exercise(data, content.size());
    beam_taxi_use_instructions(0);
    Check(Exercise(data, content.size()) == found, "instructions and portable code differ");
    printf("%08x\n", found);
  }
}

#else

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  beam_taxi_use_instructions(size & 1);
  Exercise(data, size);
  return 0;
}

#endif
