#include "CPlainWrite.h"

#include <fcntl.h>
#include <isa-l/crc.h>
#include <unistd.h>

int64_t plain_write(const char *path, const void *bytes, uint64_t byteCount, uint64_t count) {
  int file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0640);
  if (file < 0) return -1;
  int64_t sum = 0;
  for (uint64_t done = 0; done < count; done++) {
    sum += crc32_iscsi((unsigned char *)bytes, (int)byteCount, (unsigned int)done);
    if (write(file, bytes, byteCount) != (ssize_t)byteCount) return -1;
  }
  return close(file) ? -1 : sum;
}
