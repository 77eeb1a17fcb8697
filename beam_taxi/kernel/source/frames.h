// The frames of TFRecords; beam_taxi/examples/tfrecord.py says what one is.

#ifndef BEAM_TAXI_FRAMES_H_
#define BEAM_TAXI_FRAMES_H_

#include <stdint.h>

namespace beam_taxi {

constexpr int64_t kFrameHeader = 12, kFrameFooter = 4;

// CRC-32C as frames have it.
uint32_t MaskedCrc(const uint8_t* data, int64_t size);

}  // namespace beam_taxi

#endif  // BEAM_TAXI_FRAMES_H_
