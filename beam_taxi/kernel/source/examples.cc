// Rows of Arrow columns to serialized tf.Examples in TFRecord frames, by split, a row at a time.
//
// beam_taxi/examples/encoding.py says what the bytes are, tfrecord.py what a frame is, splitting.py how a split is found.

#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <memory>
#include <new>
#include <vector>

#include "frames.h"
#include "hashes.h"
#include "kernel.h"

namespace beam_taxi {
namespace {

constexpr uint8_t kListTags[] = {0, 0x1a, 0x12, 0x0a};  // Of a Feature's int64_list, float_list and bytes_list.
constexpr uint8_t kTag = 0x0a;                          // Of a field 1 with a length.
constexpr uint8_t kValueTag = 0x12;                     // Of the value in an entry of a map.
constexpr int64_t kMostVarint = 10;
constexpr int64_t kLargest = INT32_MAX;
// Heads of values up to this many bytes are kept, and copied as so many bytes at once.
constexpr int64_t kKeptLengths = 128, kWide = 64;

int64_t VarintSize(uint64_t number) {
  int64_t size = 1;
  while (number >>= 7) ++size;
  return size;
}

uint8_t* PutVarint(uint8_t* out, uint64_t number) {
  for (; number > 0x7f; number >>= 7) *out++ = static_cast<uint8_t>(number | 0x80);
  *out++ = static_cast<uint8_t>(number);
  return out;
}

template <typename Number>
Number Load(const void* data, int64_t place) {
  Number number;
  memcpy(&number, static_cast<const uint8_t*>(data) + place * static_cast<int64_t>(sizeof(Number)), sizeof(Number));
  return number;
}

template <typename Number>
uint8_t* PutLittleEndian(uint8_t* out, Number number) {
  for (size_t i = 0; i < sizeof(Number); ++i, number = static_cast<Number>(number >> 4 >> 4)) {
    *out++ = static_cast<uint8_t>(number);
  }
  return out;
}

uint8_t* PutFloat(uint8_t* out, const void* data, int64_t place) {
  return PutLittleEndian(out, Load<uint32_t>(data, place));
}

// All that stands before a value.
struct Head {
  uint8_t size = 0;
  uint8_t bytes[kWide];
};

class Column {
 public:
  Column(const BeamTaxiColumn& column, bool missing)
      : column_(column),
        missing_(missing),
        tag_(kListTags[column.kind]),
        varies_(column.list_width || column.kind == kBeamTaxiBytes),
        heads_(kKeptLengths) {
    key_.push_back(kTag);
    key_.resize(1 + kMostVarint + static_cast<size_t>(column.name_size) + 1);
    uint8_t* end = PutVarint(key_.data() + 1, static_cast<uint64_t>(column.name_size));
    if (column.name_size) memcpy(end, column.name, static_cast<size_t>(column.name_size));
    end += column.name_size;
    *end++ = kValueTag;
    key_.resize(static_cast<size_t>(end - key_.data()));
    around_ += static_cast<int64_t>(key_.size());
  }

  // The most bytes that a row's entry takes.
  int64_t Bound(int64_t row) const {
    if (!varies_ || !Valid(row)) return around_;
    const auto [begin, end] = Items(row);
    const int64_t items = around_ + (end - begin) * (1 + kMostVarint);
    return column_.kind == kBeamTaxiBytes ? items + ItemEnd(end) - ItemEnd(begin) : items;
  }

  // Writes a row's entry of Features.feature.
  uint8_t* Put(uint8_t* out, int64_t row) {
    if (column_.list_width) return Valid(row) ? PutList(out, row) : out;
    if (!Valid(row)) return missing_ ? out : PutEmpty(out);
    const int64_t place = column_.offset + row;
    switch (column_.kind) {
      case kBeamTaxiInt64: {
        uint8_t packed[kMostVarint];
        const int64_t size = PutVarint(packed, Load<uint64_t>(column_.data, place)) - packed;
        out = PutHead(out, size);
        memcpy(out, packed, sizeof(packed));
        return out + size;
      }
      case kBeamTaxiFloat:
        return PutFloat(PutHead(out, sizeof(float)), column_.data, place);
      case kBeamTaxiBytes: {
        const int64_t size = ItemEnd(place + 1) - ItemEnd(place);
        return PutBytes(PutHead(out, size), place, size);
      }
      default:
        return missing_ ? out : PutEntry(out, 0);
    }
  }

 private:
  struct Range {
    int64_t begin, end;
  };

  bool Valid(int64_t row) const {
    if (!column_.validity) return true;
    const int64_t place = column_.offset + row;
    return column_.validity[place >> 3] >> (place & 7) & 1;
  }

  Range Items(int64_t row) const {
    const int64_t place = column_.offset + row;
    if (!column_.list_width) return {place, place + 1};
    if (column_.list_width == 4) {
      return {column_.item_offset + Load<int32_t>(column_.lists, place),
              column_.item_offset + Load<int32_t>(column_.lists, place + 1)};
    }
    return {column_.item_offset + Load<int64_t>(column_.lists, place),
            column_.item_offset + Load<int64_t>(column_.lists, place + 1)};
  }

  int64_t ItemEnd(int64_t place) const { return column_.ends[place]; }

  uint8_t* PutBytes(uint8_t* out, int64_t place, int64_t size) const {
    if (size) memcpy(out, static_cast<const uint8_t*>(column_.data) + ItemEnd(place), static_cast<size_t>(size));
    return out + size;
  }

  // All of an entry that stands before a Feature of `size` bytes.
  uint8_t* PutEntry(uint8_t* out, int64_t size) const {
    *out++ = kTag;
    const auto key = static_cast<int64_t>(key_.size());
    out = PutVarint(out, static_cast<uint64_t>(key + VarintSize(static_cast<uint64_t>(size)) + size));
    memcpy(out, key_.data(), key_.size());
    return PutVarint(out + key, static_cast<uint64_t>(size));
  }

  // All of an entry that stands before the list, of `size` bytes, of a Feature.
  uint8_t* PutListHead(uint8_t* out, int64_t size) const {
    out = PutEntry(out, 1 + VarintSize(static_cast<uint64_t>(size)) + size);
    *out++ = tag_;
    return PutVarint(out, static_cast<uint64_t>(size));
  }

  uint8_t* PutEmpty(uint8_t* out) const { return PutListHead(out, 0); }

  // All of an entry that stands before one value, or before packed numbers, of `size` bytes.
  uint8_t* PutValueHead(uint8_t* out, int64_t size) const {
    out = PutListHead(out, 1 + VarintSize(static_cast<uint64_t>(size)) + size);
    *out++ = kTag;
    return PutVarint(out, static_cast<uint64_t>(size));
  }

  // The same, from what is kept.
  uint8_t* PutHead(uint8_t* out, int64_t size) {
    if (size >= kKeptLengths) return PutValueHead(out, size);
    Head& head = heads_[static_cast<size_t>(size)];
    if (!head.size) {
      const int64_t length = PutValueHead(out, size) - out;
      if (length <= kWide) {
        head.size = static_cast<uint8_t>(length);
        memcpy(head.bytes, out, static_cast<size_t>(length));
      }
      return out + length;
    }
    memcpy(out, head.bytes, 32);
    if (head.size > 32) memcpy(out + 32, head.bytes + 32, kWide - 32);
    return out + head.size;
  }

  uint8_t* PutList(uint8_t* out, int64_t row) {
    const auto [begin, end] = Items(row);
    int64_t size = 0;
    switch (column_.kind) {
      case kBeamTaxiInt64:
        for (int64_t item = begin; item < end; ++item) size += VarintSize(Load<uint64_t>(column_.data, item));
        out = size ? PutValueHead(out, size) : PutEmpty(out);
        for (int64_t item = begin; item < end; ++item) out = PutVarint(out, Load<uint64_t>(column_.data, item));
        return out;
      case kBeamTaxiFloat:
        size = (end - begin) * static_cast<int64_t>(sizeof(float));
        out = size ? PutValueHead(out, size) : PutEmpty(out);
        for (int64_t item = begin; item < end; ++item) out = PutFloat(out, column_.data, item);
        return out;
      default:
        for (int64_t item = begin; item < end; ++item) {
          const int64_t length = ItemEnd(item + 1) - ItemEnd(item);
          size += 1 + VarintSize(static_cast<uint64_t>(length)) + length;
        }
        out = PutListHead(out, size);
        for (int64_t item = begin; item < end; ++item) {
          const int64_t length = ItemEnd(item + 1) - ItemEnd(item);
          *out++ = kTag;
          out = PutBytes(PutVarint(out, static_cast<uint64_t>(length)), item, length);
        }
        return out;
    }
  }

  const BeamTaxiColumn column_;
  const bool missing_;
  const uint8_t tag_;
  const bool varies_;
  std::vector<uint8_t> key_;
  std::vector<Head> heads_;
  // The most bytes of an entry beside the values of lists and strings.
  int64_t around_ = 7 * kMostVarint + kWide;
};

int32_t SplitOf(const Sha256Digest& digest, const uint64_t* limits, int64_t splits) {
  const uint64_t buckets = limits[splits - 1];
  uint64_t bucket = 0;
  for (const uint32_t word : digest) bucket = (bucket << 32 | word) % buckets;
  int32_t split = 0;
  while (bucket >= limits[split]) ++split;
  return split;
}

// Records of a split, in memory that grows.
class Records {
 public:
  explicit Records(int64_t records) : ends_(static_cast<int32_t*>(malloc(static_cast<size_t>(records + 1) * 4))) {
    if (!ends_) throw std::bad_alloc();
    ends_[0] = 0;
  }
  Records(Records&& other) : data_(other.data_), ends_(other.ends_), capacity_(other.capacity_), count_(other.count_) {
    other.data_ = nullptr;
    other.ends_ = nullptr;
  }
  Records& operator=(Records&&) = delete;
  ~Records() {
    free(data_);
    free(ends_);
  }

  // Adds an Example with its frame; returns whether there is room in an Arrow array.
  bool Add(const uint8_t* example, int64_t size) {
    const int64_t end = ends_[count_] + kFrameHeader + size + kFrameFooter;
    if (end > kLargest) return false;
    if (end > capacity_) Grow(end);
    uint8_t* out = data_ + ends_[count_];
    uint8_t* header = PutLittleEndian(out, static_cast<uint64_t>(size));
    PutLittleEndian(header, MaskedCrc(out, header - out));
    memcpy(out + kFrameHeader, example, static_cast<size_t>(size));
    PutLittleEndian(out + kFrameHeader + size, MaskedCrc(example, size));
    ends_[++count_] = static_cast<int32_t>(end);
    return true;
  }

  // Gives all of it away.
  BeamTaxiRecords Release() {
    const BeamTaxiRecords released{data_, ends_, count_};
    data_ = nullptr;
    ends_ = nullptr;
    return released;
  }

 private:
  void Grow(int64_t least) {
    const int64_t capacity = std::min(least + least / 2 + 65536, kLargest);
    void* data = realloc(data_, static_cast<size_t>(capacity));
    if (!data) throw std::bad_alloc();
    data_ = static_cast<uint8_t*>(data);
    capacity_ = capacity;
  }

  uint8_t* data_ = nullptr;
  int32_t* ends_;
  int64_t capacity_ = 0;
  int64_t count_ = 0;
};

// A row's Example, in memory that is used again for the next.
class Example {
 public:
  void Encode(std::vector<Column>& columns, int64_t row) {
    int64_t bound = kBefore;
    for (const Column& column : columns) bound += column.Bound(row);
    if (bound > capacity_) {
      capacity_ = bound + bound / 8;
      memory_.reset();
      memory_.reset(new uint8_t[static_cast<size_t>(capacity_)]);
    }
    uint8_t* const features = memory_.get() + kBefore;
    uint8_t* end = features;
    for (Column& column : columns) end = column.Put(end, row);
    const auto features_size = static_cast<uint64_t>(end - features);
    begin_ = features - VarintSize(features_size) - 1;
    *begin_ = kTag;
    PutVarint(begin_ + 1, features_size);
    size_ = end - begin_;
  }

  const uint8_t* data() const { return begin_; }
  int64_t size() const { return size_; }

 private:
  // What stands before the features.
  static constexpr int64_t kBefore = 1 + kMostVarint;

  std::unique_ptr<uint8_t[]> memory_;
  int64_t capacity_ = 0;
  uint8_t* begin_ = nullptr;
  int64_t size_ = 0;
};

int64_t Encode(const BeamTaxiColumn* described, int64_t column_count, int64_t rows, bool missing, int64_t splitting,
               const uint64_t* limits, int64_t splits, int32_t* chosen, BeamTaxiRecords* records) {
  std::vector<Column> columns;
  columns.reserve(static_cast<size_t>(column_count));
  for (int64_t i = 0; i < column_count; ++i) columns.emplace_back(described[i], missing);
  std::vector<Records> found;
  for (int64_t i = 0; records && i < splits; ++i) found.emplace_back(rows);
  Example pair[2];
  for (int64_t row = 0; row < rows; row += 2) {
    const int64_t count = std::min<int64_t>(2, rows - row);
    for (int64_t i = 0; i < count; ++i) pair[i].Encode(columns, row + i);
    if (splitting == kBeamTaxiByHash) {
      // The last row has no other beside it.
      const Example& other = pair[count - 1];
      Sha256Digest digests[2];
      Sha256OfTwo(pair[0].data(), static_cast<size_t>(pair[0].size()), other.data(), static_cast<size_t>(other.size()),
                  &digests[0], &digests[1]);
      for (int64_t i = 0; i < count; ++i) chosen[row + i] = SplitOf(digests[i], limits, splits);
    }
    for (int64_t i = 0; records && i < count; ++i) {
      const size_t split = static_cast<size_t>(chosen ? chosen[row + i] : 0);
      if (!found[split].Add(pair[i].data(), pair[i].size())) return kBeamTaxiTooLarge;
    }
  }
  for (size_t i = 0; i < found.size(); ++i) records[i] = found[i].Release();
  return kBeamTaxiOk;
}

}  // namespace
}  // namespace beam_taxi

extern "C" {

int64_t beam_taxi_kernel_version(void) { return kBeamTaxiKernelVersion; }

int64_t beam_taxi_use_instructions(int64_t use) { return beam_taxi::UseInstructions(use); }

int64_t beam_taxi_encode(const BeamTaxiColumn* columns, int64_t column_count, int64_t rows, int64_t missing,
                         int64_t splitting, const uint64_t* limits, int64_t splits, int32_t* chosen,
                         BeamTaxiRecords* records) {
  try {
    return beam_taxi::Encode(columns, column_count, rows, missing, splitting, limits, splits, chosen, records);
  } catch (const std::bad_alloc&) {
    return kBeamTaxiNoMemory;
  }
}

void beam_taxi_free(void* data) { free(data); }
}
