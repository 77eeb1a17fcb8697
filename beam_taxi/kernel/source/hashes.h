// SHA-256 (FIPS 180-4) and CRC-32C (RFC 3720, appendix B.4), with the processor's instructions where it has them.

#ifndef BEAM_TAXI_HASHES_H_
#define BEAM_TAXI_HASHES_H_

#include <stddef.h>
#include <stdint.h>

#include <array>

namespace beam_taxi {

// The digest as eight numbers, the most significant first.
using Sha256Digest = std::array<uint32_t, 8>;

// Of two messages at once, which takes little longer than of one.
void Sha256OfTwo(const uint8_t* data, size_t size, const uint8_t* other, size_t other_size, Sha256Digest* digest,
                 Sha256Digest* other_digest);

uint32_t Crc32c(const uint8_t* data, size_t size);

// Of some bytes and those behind them, from the checksum of the former.
uint32_t ExtendCrc32c(uint32_t crc, const uint8_t* data, size_t size);

// As beam_taxi_use_instructions.
int UseInstructions(bool use);

}  // namespace beam_taxi

#endif  // BEAM_TAXI_HASHES_H_
