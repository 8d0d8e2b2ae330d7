#include "watch/mapping.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gelf.h>
#include <unistd.h>

#include <optional>

namespace afterleak::watch {
namespace {

void ReadSegments(Elf* elf, std::uintptr_t start, Mapping& mapping) {
  std::size_t count = 0;
  if (elf_getphdrnum(elf, &count) != 0) return;
  std::optional<std::uintptr_t> bias;
  for (std::size_t i = 0; i < count; ++i) {
    GElf_Phdr segment;
    if (gelf_getphdr(elf, static_cast<int>(i), &segment) == nullptr || segment.p_type != PT_LOAD ||
        segment.p_align == 0)
      continue;
    const std::uint64_t page = segment.p_vaddr / segment.p_align * segment.p_align;
    if (!bias) bias = start - page;
    if ((segment.p_flags & PF_X) == 0) continue;
    mapping.begin = *bias + page;
    mapping.end = *bias + segment.p_vaddr + segment.p_memsz;
    mapping.offset = segment.p_offset - (segment.p_vaddr - page);
    return;
  }
}

std::string BuildId(Elf* elf) {
  const void* bytes = nullptr;
  const ssize_t length = dwelf_elf_gnu_build_id(elf, &bytes);
  std::string id;
  for (ssize_t i = 0; i < length; ++i)
    id += fmt::format("{:02x}", static_cast<const unsigned char*>(bytes)[i]);
  return id;
}

}  // namespace

Mapping MappingOf(const std::string& path, std::uintptr_t start) {
  Mapping mapping{.begin = start};
  elf_version(EV_CURRENT);
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return mapping;
  if (Elf* const elf = elf_begin(descriptor, ELF_C_READ_MMAP, nullptr)) {
    ReadSegments(elf, start, mapping);
    mapping.build_id = BuildId(elf);
    elf_end(elf);
  }
  close(descriptor);
  return mapping;
}

}  // namespace afterleak::watch
