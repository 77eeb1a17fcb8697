#include "hashes.h"

#include <string.h>

#include <algorithm>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

#include "kernel.h"

namespace beam_taxi {
namespace {

// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
alignas(16) constexpr uint32_t kRoundConstants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// The same of the square roots of the first 8 primes.
constexpr Sha256Digest kInitialState = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

constexpr size_t kBlockSize = 64;
// Castagnoli's polynomial, its bits reversed.
constexpr uint32_t kPolynomial = 0x82f63b78;

uint32_t RotateRight(uint32_t word, int bits) { return word >> bits | word << (32 - bits); }

void CompressPortably(uint32_t* state, const uint8_t* data, size_t blocks) {
  for (; blocks; --blocks, data += kBlockSize) {
    uint32_t schedule[64];
    for (int i = 0; i < 16; ++i) {
      const uint8_t* word = data + 4 * i;
      schedule[i] = uint32_t{word[0]} << 24 | uint32_t{word[1]} << 16 | uint32_t{word[2]} << 8 | word[3];
    }
    for (int i = 16; i < 64; ++i) {
      const uint32_t early = schedule[i - 15], late = schedule[i - 2];
      schedule[i] = schedule[i - 16] + schedule[i - 7] +
                    (RotateRight(early, 7) ^ RotateRight(early, 18) ^ early >> 3) +
                    (RotateRight(late, 17) ^ RotateRight(late, 19) ^ late >> 10);
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 64; ++i) {
      const uint32_t first = h + (RotateRight(e, 6) ^ RotateRight(e, 11) ^ RotateRight(e, 25)) + (g ^ (e & (f ^ g))) +
                             kRoundConstants[i] + schedule[i];
      const uint32_t second =
          (RotateRight(a, 2) ^ RotateRight(a, 13) ^ RotateRight(a, 22)) + ((a & b) | (c & (a | b)));
      h = g, g = f, f = e, e = d + first, d = c, c = b, b = a, a = first + second;
    }
    const uint32_t added[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; ++i) state[i] += added[i];
  }
}

// What eight bits of a checksum become when `zeros` more zero bytes follow them.
struct CrcTables {
  uint32_t table[8][256];

  CrcTables() {
    for (uint32_t byte = 0; byte < 256; ++byte) {
      uint32_t crc = byte;
      for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? kPolynomial : 0);
      table[0][byte] = crc;
    }
    for (int zeros = 1; zeros < 8; ++zeros) {
      for (int byte = 0; byte < 256; ++byte) {
        const uint32_t crc = table[zeros - 1][byte];
        table[zeros][byte] = crc >> 8 ^ table[0][crc & 0xff];
      }
    }
  }
};

uint32_t ExtendPortably(uint32_t crc, const uint8_t* data, size_t size) {
  static const CrcTables tables;
  const auto& table = tables.table;
  for (; size >= 8; size -= 8, data += 8) {
    crc ^= uint32_t{data[0]} | uint32_t{data[1]} << 8 | uint32_t{data[2]} << 16 | uint32_t{data[3]} << 24;
    crc = table[7][crc & 0xff] ^ table[6][crc >> 8 & 0xff] ^ table[5][crc >> 16 & 0xff] ^ table[4][crc >> 24] ^
          table[3][data[4]] ^ table[2][data[5]] ^ table[1][data[6]] ^ table[0][data[7]];
  }
  for (; size; --size, ++data) crc = crc >> 8 ^ table[0][(crc ^ *data) & 0xff];
  return crc;
}

#if defined(__x86_64__)

// The state of a hash as the instructions want it: the words a, b, e, f and c, d, g, h.
struct Lanes {
  __m128i abef, cdgh;
};

__attribute__((target("sha,sse4.1"))) inline Lanes ToLanes(const uint32_t* state) {
  const __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(state)), 0xb1);
  const __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(state + 4)), 0x1b);
  return {_mm_alignr_epi8(badc, hgfe, 8), _mm_blend_epi16(hgfe, badc, 0xf0)};
}

__attribute__((target("sha,sse4.1"))) inline void FromLanes(const Lanes& lanes, uint32_t* state) {
  const __m128i feba = _mm_shuffle_epi32(lanes.abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(lanes.cdgh, 0xb1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state), _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

// Four of a block's rounds, the `quarter`th of sixteen times, with the words of its schedule that are still needed.
__attribute__((target("sha,sse4.1"), always_inline)) inline void FourRounds(int quarter, const uint8_t* block,
                                                                            __m128i* words, Lanes* lanes) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i& now = words[quarter & 3];
  if (quarter < 4) {
    now = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(block) + quarter), big_endian);
  } else {
    const __m128i last = words[(quarter + 3) & 3];
    now = _mm_add_epi32(_mm_sha256msg1_epu32(now, words[(quarter + 1) & 3]),
                        _mm_alignr_epi8(last, words[(quarter + 2) & 3], 4));
    now = _mm_sha256msg2_epu32(now, last);
  }
  const __m128i keyed = _mm_add_epi32(now, _mm_load_si128(reinterpret_cast<const __m128i*>(kRoundConstants) + quarter));
  lanes->cdgh = _mm_sha256rnds2_epu32(lanes->cdgh, lanes->abef, keyed);
  lanes->abef = _mm_sha256rnds2_epu32(lanes->abef, lanes->cdgh, _mm_shuffle_epi32(keyed, 0x0e));
}

__attribute__((target("sha,sse4.1"))) void CompressWithInstructions(uint32_t* state, const uint8_t* data,
                                                                    size_t blocks) {
  Lanes lanes = ToLanes(state);
  for (; blocks; --blocks, data += kBlockSize) {
    const Lanes before = lanes;
    __m128i words[4];
#pragma GCC unroll 16
    for (int quarter = 0; quarter < 16; ++quarter) FourRounds(quarter, data, words, &lanes);
    lanes = {_mm_add_epi32(lanes.abef, before.abef), _mm_add_epi32(lanes.cdgh, before.cdgh)};
  }
  FromLanes(lanes, state);
}

// Two hashes side by side: the instructions of one fill the time that those of the other wait for their results.
__attribute__((target("sha,sse4.1"))) void CompressTwoWithInstructions(uint32_t* state, const uint8_t* data,
                                                                       uint32_t* other_state, const uint8_t* other,
                                                                       size_t blocks) {
  Lanes lanes = ToLanes(state), other_lanes = ToLanes(other_state);
  for (; blocks; --blocks, data += kBlockSize, other += kBlockSize) {
    const Lanes before = lanes, other_before = other_lanes;
    __m128i words[4], other_words[4];
#pragma GCC unroll 16
    for (int quarter = 0; quarter < 16; ++quarter) {
      FourRounds(quarter, data, words, &lanes);
      FourRounds(quarter, other, other_words, &other_lanes);
    }
    lanes = {_mm_add_epi32(lanes.abef, before.abef), _mm_add_epi32(lanes.cdgh, before.cdgh)};
    other_lanes = {_mm_add_epi32(other_lanes.abef, other_before.abef),
                   _mm_add_epi32(other_lanes.cdgh, other_before.cdgh)};
  }
  FromLanes(lanes, state);
  FromLanes(other_lanes, other_state);
}

__attribute__((target("sse4.2"))) uint32_t ExtendWithInstructions(uint32_t crc, const uint8_t* data, size_t size) {
  uint64_t wide = crc;
  for (; size >= 8; size -= 8, data += 8) {
    uint64_t word;
    memcpy(&word, data, 8);
    wide = _mm_crc32_u64(wide, word);
  }
  crc = static_cast<uint32_t>(wide);
  for (; size; --size, ++data) crc = _mm_crc32_u8(crc, *data);
  return crc;
}

// Which instructions the processor has, as bits: 1 for SHA-256, 2 for CRC-32C.
int Instructions() {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
  const bool sse41 = c & bit_SSE4_1 && c & bit_SSSE3;
  const int crc = c & bit_SSE4_2 ? 2 : 0;
  const bool sha = __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_SHA;
  return crc | (sha && sse41 ? 1 : 0);
}

#else

void CompressWithInstructions(uint32_t* state, const uint8_t* data, size_t blocks) {
  CompressPortably(state, data, blocks);
}

void CompressTwoWithInstructions(uint32_t* state, const uint8_t* data, uint32_t* other_state, const uint8_t* other,
                                 size_t blocks) {
  CompressPortably(state, data, blocks);
  CompressPortably(other_state, other, blocks);
}

uint32_t ExtendWithInstructions(uint32_t crc, const uint8_t* data, size_t size) {
  return ExtendPortably(crc, data, size);
}

int Instructions() { return 0; }

#endif

int instructions = Instructions();

void Compress(uint32_t* state, const uint8_t* data, size_t blocks) {
  (instructions & 1 ? CompressWithInstructions : CompressPortably)(state, data, blocks);
}

}  // namespace

int UseInstructions(bool use) { return instructions = use ? Instructions() : 0; }

namespace {

// A message in whole blocks of 64 bytes: those of its own, and those with its rest, a bit, zeros and how many bits it has.
class Message {
 public:
  Message(const uint8_t* data, size_t size) : data_(data), whole_(size / kBlockSize) {
    const size_t rest = size % kBlockSize;
    last_ = rest + 9 > kBlockSize ? 2 : 1;
    if (rest) memcpy(padded_, data + whole_ * kBlockSize, rest);
    padded_[rest] = 0x80;
    uint64_t bits = uint64_t{size} * 8;
    for (uint8_t* end = padded_ + last_ * kBlockSize; bits; bits >>= 8) *--end = static_cast<uint8_t>(bits);
  }

  size_t blocks() const { return whole_ + last_; }

  // Block `number`, and how many more lie behind it in memory.
  const uint8_t* Block(size_t number, size_t* together) const {
    const bool is_own = number < whole_;
    *together = is_own ? whole_ - number : blocks() - number;
    return is_own ? data_ + number * kBlockSize : padded_ + (number - whole_) * kBlockSize;
  }

 private:
  const uint8_t* const data_;
  const size_t whole_;
  size_t last_;
  uint8_t padded_[2 * kBlockSize] = {};
};

void CompressFrom(size_t number, const Message& message, uint32_t* state) {
  for (size_t together; number < message.blocks(); number += together) {
    const uint8_t* const block = message.Block(number, &together);
    Compress(state, block, together);
  }
}

}  // namespace

void Sha256OfTwo(const uint8_t* data, size_t size, const uint8_t* other, size_t other_size, Sha256Digest* digest,
                 Sha256Digest* other_digest) {
  const Message messages[] = {{data, size}, {other, other_size}};
  *digest = *other_digest = kInitialState;
  size_t number = 0;
  while (instructions & 1 && number < std::min(messages[0].blocks(), messages[1].blocks())) {
    size_t together, other_together;
    const uint8_t* const block = messages[0].Block(number, &together);
    const uint8_t* const other_block = messages[1].Block(number, &other_together);
    together = std::min(together, other_together);
    CompressTwoWithInstructions(digest->data(), block, other_digest->data(), other_block, together);
    number += together;
  }
  CompressFrom(number, messages[0], digest->data());
  CompressFrom(number, messages[1], other_digest->data());
}

uint32_t Crc32c(const uint8_t* data, size_t size) { return ExtendCrc32c(0, data, size); }

uint32_t ExtendCrc32c(uint32_t crc, const uint8_t* data, size_t size) {
  return ~(instructions & 2 ? ExtendWithInstructions : ExtendPortably)(~crc, data, size);
}

}  // namespace beam_taxi

extern "C" {

uint32_t beam_taxi_crc32c(uint32_t crc, const uint8_t* data, int64_t size) {
  return beam_taxi::ExtendCrc32c(crc, data, static_cast<size_t>(size));
}
}
