#pragma once
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Parses a document `count` times and looks for five names in it, with nothing around it; the number of names found.
/// 64 bytes behind the document are readable.
long bound_json(const void *bytes, size_t byte_count, int count);

#ifdef __cplusplus
}
#endif
