#pragma once
#include <stdint.h>

/// Writes `bytes` to the new file `path` `count` times, each time with a CRC-32C over them first; nothing else. The lower bound of
/// a log's append.
/// Returns the sum of the checksums, or -1 when a write failed.
int64_t plain_write(const char *path, const void *bytes, uint64_t byteCount, uint64_t count);
