// Frames of TFRecords whose checksums are computed, and checked again.

#include "frames.h"

#include <stddef.h>

#include "hashes.h"
#include "kernel.h"

namespace beam_taxi {
namespace {

constexpr uint32_t kMaskDelta = 0xa282ead8;

uint64_t LittleEndian(const uint8_t* data, int bytes) {
  uint64_t number = 0;
  for (int i = 0; i < bytes; ++i) number |= uint64_t{data[i]} << (8 * i);
  return number;
}

int64_t CheckFrames(const uint8_t* data, int64_t size, int64_t* records, int64_t* damage) {
  int64_t begin = 0;
  *records = 0;
  *damage = kBeamTaxiUndamaged;
  while (size - begin >= kFrameHeader) {
    const uint8_t* const header = data + begin;
    if (LittleEndian(header + 8, 4) != MaskedCrc(header, 8)) {
      *damage = kBeamTaxiDamagedLength;
      break;
    }
    const int64_t room = size - begin - kFrameHeader - kFrameFooter;
    const uint64_t length = LittleEndian(header, 8);
    if (room < 0 || length > static_cast<uint64_t>(room)) break;  // It goes on behind these bytes.
    const auto record_size = static_cast<int64_t>(length);
    const uint8_t* const record = header + kFrameHeader;
    if (LittleEndian(record + record_size, 4) != MaskedCrc(record, record_size)) {
      *damage = kBeamTaxiDamagedData;
      break;
    }
    ++*records;
    begin += kFrameHeader + record_size + kFrameFooter;
  }
  return begin;
}

}  // namespace

uint32_t MaskedCrc(const uint8_t* data, int64_t size) {
  const uint32_t crc = Crc32c(data, static_cast<size_t>(size));
  return (crc >> 15 | crc << 17) + kMaskDelta;
}

}  // namespace beam_taxi

extern "C" {

int64_t beam_taxi_check_frames(const uint8_t* data, int64_t size, int64_t* records, int64_t* damage) {
  return beam_taxi::CheckFrames(data, size, records, damage);
}
}
