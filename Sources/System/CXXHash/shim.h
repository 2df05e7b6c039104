// Header-only: a topic of 30 bytes hashes in fewer cycles than a call through the procedure linkage table costs.
#define XXH_INLINE_ALL
#include <xxhash.h>

static inline uint64_t sluice_xxh3_64(const void *bytes, size_t byteCount) { return XXH3_64bits(bytes, byteCount); }
