// Header-only: a topic of 30 bytes hashes in fewer cycles than a call through the procedure linkage table costs.
#define XXH_INLINE_ALL
#include <xxhash.h>

static inline uint64_t sluice_xxh3_64(const void *bytes, size_t byteCount) { return XXH3_64bits(bytes, byteCount); }

static inline XXH128_hash_t sluice_xxh3_128(const void *bytes, size_t byteCount, uint64_t seed) {
    return XXH3_128bits_withSeed(bytes, byteCount, seed);
}
