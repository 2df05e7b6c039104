// What an append costs at least: a plain buffered write of the same bytes, and a CRC-32C over them.
#pragma once
#include <stddef.h>

/// Writes `bytes` to `path` `count` times, with a checksum each; 0, or errno.
int bound_append(const char *path, const void *bytes, size_t byte_count, int count);
