// Programs whose debug information is written by hand, so that no compiler decides what is in it.
#pragma once

#include <dwarf.h>
#include <elf.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace afterleak::test {

// Line n of a source is the one byte at kCode + n: so the call on that line returns to the next.
// A program takes up to line kEnd, which is as much as a page of memory ever is.
inline constexpr std::uintptr_t kCode = 0x10000;
inline constexpr unsigned int kEnd = 0x10000;

struct Attribute {
  std::uint64_t name;
  std::uint64_t form;
  std::uint64_t number = 0;
  std::string text{};  // of a reference: the key of the entry
  std::vector<std::pair<unsigned int, unsigned int>> ranges{};
};

// What debug information says of one thing, and of those in it.
struct Entry {
  std::uint64_t tag;
  std::vector<Attribute> attributes{};
  std::vector<Entry> inside{};
  std::string key{};

  Entry With(Attribute attribute) && {
    attributes.push_back(std::move(attribute));
    return std::move(*this);
  }
  Entry Key(std::string own) && {
    key = std::move(own);
    return std::move(*this);
  }
};

inline Entry In(std::uint64_t tag, std::vector<Entry> inside) {
  return {.tag = tag, .inside = std::move(inside)};
}

// The lines from `first` up to `end`, which is none of them.
inline Entry Lines(std::uint64_t tag, unsigned int first, unsigned int end,
                   std::vector<Entry> inside) {
  return In(tag, std::move(inside))
      .With({DW_AT_low_pc, DW_FORM_addr, first})
      .With({DW_AT_high_pc, DW_FORM_udata, end - first});
}

inline Attribute Name(std::string name) { return {DW_AT_name, DW_FORM_string, 0, std::move(name)}; }
inline Attribute External() { return {DW_AT_external, DW_FORM_flag_present}; }
inline Attribute To(std::uint64_t name, std::string key) {
  return {name, DW_FORM_ref_addr, 0, std::move(key)};
}

// A function of the unit alone; others refer to it by its name, as they do to the next two.
inline Entry Static(const std::string& name, unsigned int first, unsigned int end,
                    std::vector<Entry> inside = {}) {
  return Lines(DW_TAG_subprogram, first, end, std::move(inside)).With(Name(name)).Key(name);
}
inline Entry Function(const std::string& name, unsigned int first, unsigned int end,
                      std::vector<Entry> inside = {}) {
  return Static(name, first, end, std::move(inside)).With(External());
}
// One whose lines are not all in one place.
inline Entry Split(const std::string& name,
                   std::vector<std::pair<unsigned int, unsigned int>> ranges,
                   std::vector<Entry> inside) {
  return In(DW_TAG_subprogram, std::move(inside))
      .With({.name = DW_AT_ranges, .form = DW_FORM_sec_offset, .ranges = std::move(ranges)})
      .With(Name(name))
      .With(External())
      .Key(name);
}
// One that is defined in another unit, or in none of the program.
inline Entry Declared(const std::string& name) {
  return Entry{.tag = DW_TAG_subprogram}
      .With(Name(name))
      .With(External())
      .With({DW_AT_declaration, DW_FORM_flag_present})
      .Key(name);
}

// Without a key: through a pointer.
inline Entry Call(unsigned int line, const std::string& called = {}) {
  Entry call = Entry{.tag = DW_TAG_call_site}.With({DW_AT_call_return_pc, DW_FORM_addr, line + 1});
  return called.empty() ? call : std::move(call).With(To(DW_AT_call_origin, called));
}
inline Entry Jump(unsigned int line, const std::string& called = {}) {
  return Call(line, called).With({DW_AT_call_tail_call, DW_FORM_flag_present});
}

struct SourceUnit {
  std::string file;
  unsigned int first;
  unsigned int end;
  std::vector<Entry> inside{};
  bool is_in_table = false;  // .debug_aranges
};

struct Program {
  std::vector<SourceUnit> units;
  std::map<std::string, unsigned int> symbols{};  // the linker's, of one line
};

template <typename Number>
inline void Add(std::string& to, Number number) {
  to.append(reinterpret_cast<const char*>(&number), sizeof(number));
}
inline void AddNumber(std::string& to, std::uint64_t number) {  // LEB128
  for (; number >= 0x80; number >>= 7) to += static_cast<char>(number | 0x80);
  to += static_cast<char>(number);
}
inline void AddText(std::string& to, const std::string& text) {
  to.append(text.c_str(), text.size() + 1);
}
inline void AddSized(std::string& to, const std::string& bytes) {
  Add(to, static_cast<std::uint32_t>(bytes.size()));
  to += bytes;
}

// The sections of a program, and the file of them.
class Writer {
 public:
  explicit Writer(const Program& program) {
    for (const SourceUnit& unit : program.units) Write(unit);
    for (const auto& [at, key] : references_)
      info_.replace(at, 4, reinterpret_cast<const char*>(&offsets_.at(key)), 4);
    abbreviations_ += '\0';
    symbols_.append(sizeof(Elf64_Sym), '\0');
    for (const auto& [name, line] : program.symbols) {
      Add(symbols_, Elf64_Sym{.st_name = static_cast<Elf64_Word>(names_.size()),
                              .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                              .st_other = STV_DEFAULT,
                              .st_shndx = 1,
                              .st_value = kCode + line,
                              .st_size = 1});
      AddText(names_, name);
    }
  }

  std::string File() {
    file_.append(sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr), '\0');
    sections_.append(sizeof(Elf64_Shdr), '\0');
    Section(".text", SHT_NOBITS, std::string(kEnd, '\0'));
    Section(".debug_info", SHT_PROGBITS, info_);
    Section(".debug_abbrev", SHT_PROGBITS, abbreviations_);
    Section(".debug_line", SHT_PROGBITS, lines_);
    Section(".debug_aranges", SHT_PROGBITS, table_);
    Section(".debug_rnglists", SHT_PROGBITS, ranges_);
    Section(".symtab", SHT_SYMTAB, symbols_);
    Section(".strtab", SHT_STRTAB, names_);
    const Elf64_Ehdr header{
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
                    std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB,
                    EV_CURRENT},
        .e_type = ET_DYN,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_entry = 0,
        .e_phoff = sizeof(Elf64_Ehdr),
        .e_shoff = file_.size(),
        .e_flags = 0,
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 1,
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = Sections(),
        .e_shstrndx = static_cast<Elf64_Half>(Sections() - 1)};
    const Elf64_Phdr loaded{.p_type = PT_LOAD,
                            .p_flags = PF_R | PF_X,
                            .p_offset = 0,
                            .p_vaddr = kCode,
                            .p_paddr = kCode,
                            .p_filesz = kEnd,
                            .p_memsz = kEnd,
                            .p_align = kEnd};
    file_.replace(0, sizeof(header), reinterpret_cast<const char*>(&header), sizeof(header));
    file_.replace(sizeof(header), sizeof(loaded), reinterpret_cast<const char*>(&loaded),
                  sizeof(loaded));
    return file_ + sections_;
  }

 private:
  void Write(const SourceUnit& unit) {
    if (unit.is_in_table) WriteRange(unit);
    std::string header;
    Add(header, std::uint16_t{5});
    Add(header, std::uint8_t{DW_UT_compile});
    Add(header, std::uint8_t{sizeof(std::uint64_t)});
    Add(header, std::uint32_t{0});  // the abbreviations
    const std::size_t begin = info_.size();
    Add(info_, std::uint32_t{0});
    info_ += header;
    Write(Lines(DW_TAG_compile_unit, unit.first, unit.end, unit.inside)
              .With(Name(unit.file))
              .With({DW_AT_comp_dir, DW_FORM_string, 0, "."})
              .With({DW_AT_stmt_list, DW_FORM_sec_offset, lines_.size()}));
    const auto size = static_cast<std::uint32_t>(info_.size() - begin - 4);
    info_.replace(begin, 4, reinterpret_cast<const char*>(&size), 4);
    WriteLines(unit);
  }

  // Each entry has an abbreviation to itself.
  void Write(const Entry& entry) {
    if (!entry.key.empty()) offsets_[entry.key] = static_cast<std::uint32_t>(info_.size());
    AddNumber(info_, ++abbreviation_count_);
    AddNumber(abbreviations_, abbreviation_count_);
    AddNumber(abbreviations_, entry.tag);
    abbreviations_ += static_cast<char>(entry.inside.empty() ? DW_CHILDREN_no : DW_CHILDREN_yes);
    for (const Attribute& attribute : entry.attributes) {
      AddNumber(abbreviations_, attribute.name);
      AddNumber(abbreviations_, attribute.form);
      Write(attribute);
    }
    abbreviations_.append(2, '\0');
    for (const Entry& inner : entry.inside) Write(inner);
    if (!entry.inside.empty()) info_ += '\0';
  }

  void Write(const Attribute& attribute) {
    switch (attribute.form) {
      case DW_FORM_addr:
        return Add(info_, std::uint64_t{kCode + attribute.number});
      case DW_FORM_udata:
        return AddNumber(info_, attribute.number);
      case DW_FORM_string:
        return AddText(info_, attribute.text);
      case DW_FORM_ref_addr:
        references_.emplace_back(info_.size(), attribute.text);
        return Add(info_, std::uint32_t{0});
      case DW_FORM_sec_offset:
        if (!attribute.ranges.empty()) return WriteRanges(attribute.ranges);
        return Add(info_, static_cast<std::uint32_t>(attribute.number));
    }
  }

  void WriteRanges(const std::vector<std::pair<unsigned int, unsigned int>>& ranges) {
    std::string list;
    Add(list, std::uint16_t{5});
    Add(list, std::uint8_t{sizeof(std::uint64_t)});
    list.append(5, '\0');
    constexpr std::size_t kHeader = 12;
    Add(info_, static_cast<std::uint32_t>(ranges_.size() + kHeader));
    for (const auto& [first, end] : ranges) {
      list += char{DW_RLE_start_end};
      Add(list, std::uint64_t{kCode + first});
      Add(list, std::uint64_t{kCode + end});
    }
    list += char{DW_RLE_end_of_list};
    AddSized(ranges_, list);
  }

  void WriteRange(const SourceUnit& unit) {
    std::string range;
    Add(range, std::uint16_t{2});
    Add(range, static_cast<std::uint32_t>(info_.size()));
    Add(range, std::uint8_t{sizeof(std::uint64_t)});
    range.append(5, '\0');
    Add(range, std::uint64_t{kCode + unit.first});
    Add(range, std::uint64_t{unit.end - unit.first});
    range.append(16, '\0');
    AddSized(table_, range);
  }

  // From the first line on, wherever the unit begins: one line more is one address more.
  void WriteLines(const SourceUnit& unit) {
    constexpr char kOpcodes = 13;
    std::string header;
    header += {1, 1, 1, 1, 1, kOpcodes};
    header += {0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1};  // how many operands each has
    AddText(header, "");
    AddText(header, unit.file);
    header.append(4, '\0');
    std::string program;
    Add(program, std::uint16_t{4});
    AddSized(program, header);
    program += {0, 9, DW_LNE_set_address};
    Add(program, std::uint64_t{kCode + 1});
    AddNumber(program, DW_LNS_copy);
    program.append(unit.end - 2, char{kOpcodes + 1});
    AddNumber(program, DW_LNS_advance_pc);
    AddNumber(program, 1);
    program += {0, 1, DW_LNE_end_sequence};
    AddSized(lines_, program);
  }

  static constexpr char kSections[] =
      "\0.text\0.debug_info\0.debug_abbrev\0.debug_line\0.debug_aranges\0.debug_rnglists\0."
      "symtab\0.strtab";

  void Section(const std::string& name, Elf64_Word type, const std::string& bytes) {
    if (bytes.empty()) return;
    const bool is_code = type == SHT_NOBITS, is_symbols = type == SHT_SYMTAB;
    Add(sections_, Elf64_Shdr{.sh_name = static_cast<Elf64_Word>(names_.find(name)),
                              .sh_type = type,
                              .sh_flags = is_code ? Elf64_Xword{SHF_ALLOC | SHF_EXECINSTR} : 0,
                              .sh_addr = is_code ? kCode : 0,
                              .sh_offset = file_.size(),
                              .sh_size = bytes.size(),
                              .sh_link = is_symbols ? Sections() + 1u : 0,  // where the names are
                              .sh_info = is_symbols ? 1u : 0,
                              .sh_addralign = 1,
                              .sh_entsize = is_symbols ? sizeof(Elf64_Sym) : 0});
    if (!is_code) file_ += bytes;
    file_.resize((file_.size() + 7) / 8 * 8);
  }
  Elf64_Half Sections() const {
    return static_cast<Elf64_Half>(sections_.size() / sizeof(Elf64_Shdr));
  }

  std::string info_, abbreviations_, lines_, table_, ranges_, symbols_, file_, sections_;
  std::string names_{kSections, sizeof(kSections)};
  std::uint64_t abbreviation_count_ = 0;
  std::map<std::string, std::uint32_t> offsets_;
  std::vector<std::pair<std::size_t, std::string>> references_;
};

}  // namespace afterleak::test
