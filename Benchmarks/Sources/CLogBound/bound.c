#include "include/CLogBound.h"
#include <errno.h>
#include <fcntl.h>
#include <isa-l/crc.h>
#include <unistd.h>

int bound_append(const char *path, const void *bytes, size_t byte_count, int count) {
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return errno;
    volatile unsigned sum = 0;
    for (int index = 0; index < count; index++) {
        sum ^= crc32_iscsi((unsigned char *)bytes, (int)byte_count, ~0u);
        if (write(file, bytes, byte_count) != (ssize_t)byte_count) {
            int code = errno;
            close(file);
            return code;
        }
    }
    close(file);
    return 0;
}
