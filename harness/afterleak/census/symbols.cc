#include "afterleak/census/symbols.h"

#include <cxxabi.h>
#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <span>
#include <unordered_map>
#include <utility>

#include "afterleak/census/site.h"
#include "afterleak/heap/heap.h"

namespace afterleak::internal {
namespace {

std::string Demangled(const char* name) {
  if (name == nullptr) return {};
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> plain(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), &std::free);
  return ShortFunction(status == 0 ? plain.get() : name);
}

// The name that the linker sees tells the namespace; a plain name is all that C has.
std::string NameOf(Dwarf_Die& die) {
  Dwarf_Attribute attribute;
  for (const unsigned int which : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name}) {
    const char* const name = dwarf_formstring(dwarf_attr_integrate(&die, which, &attribute));
    if (name != nullptr) return Demangled(name);
  }
  const char* const name = dwarf_diename(&die);
  return name != nullptr ? name : "";
}

// The compiler writes relative names, and debug information joins them with a folder.
std::string Plain(std::string_view path) {
  while (path.starts_with("./")) path.remove_prefix(2);
  return std::string(path);
}

class Process {
 public:
  static Process& Get() {
    static Process& process = *new Process;
    return process;
  }

  const std::vector<Frame>& FramesAt(std::uintptr_t return_address) {
    const std::lock_guard lock(mutex_);
    const auto [known, is_new] = known_.try_emplace(return_address);
    if (is_new) known->second = LookUp(return_address);
    return known->second;
  }

  std::vector<Frame> FramesOfJumps(std::uintptr_t return_address, std::string_view called) {
    const std::lock_guard lock(mutex_);
    const auto [known, is_new] = jumps_.try_emplace({return_address, std::string(called)});
    if (is_new) known->second = FollowJumps(return_address, called);
    return known->second;
  }

  void NameAddressesOf(std::vector<LoadedFile> files) {
    const std::lock_guard lock(mutex_);
    if (files == files_) return;
    const bool same = !files_.empty() && files.size() >= files_.size() &&  // and has loaded more
                      std::ranges::equal(files_, std::span(files).first(files_.size()));
    files_ = std::move(files);
    is_current_ = false;
    jumps_.clear();
    jumps_to_.clear();
    if (!same) return known_.clear();
    std::erase_if(known_, [](const auto& known) { return known.second.front().module.empty(); });
  }

 private:
  std::vector<Frame> LookUp(std::uintptr_t return_address) {
    if (return_address == kSomeFunction) return {Frame{}};
    const Dwarf_Addr address = return_address - 1;  // within the call, not behind it
    Dwfl_Module* module = ModuleAt(address);
    if (module == nullptr && files_.empty()) {  // loaded since we looked
      is_current_ = false;
      module = ModuleAt(address);
    }
    if (module == nullptr) return {Frame{}};
    Dwarf_Addr start = 0;
    const char* const name =
        dwfl_module_info(module, nullptr, &start, nullptr, nullptr, nullptr, nullptr, nullptr);

    Frame innermost;
    Dwarf_Addr bias = 0;
    Dwarf_Die* const unit = UnitAt(module, address, bias);
    if (Dwarf_Line* const line =
            unit != nullptr ? dwarf_getsrc_die(unit, address - bias) : nullptr) {
      int number = 0;
      const char* const file = dwarf_linesrc(line, nullptr, nullptr);
      dwarf_lineno(line, &number);
      innermost.file = file != nullptr ? Plain(file) : "";
      innermost.line = static_cast<std::uint32_t>(number);
    }
    std::vector<Frame> frames = Expand(unit, address - bias, std::move(innermost));
    if (frames.back().function.empty())
      frames.back().function = Demangled(dwfl_module_addrname(module, address));
    for (Frame& frame : frames) {
      frame.module = name != nullptr ? name : "";
      frame.offset = address - start;
    }
    return frames;
  }

  // A call that debug information tells of.
  struct Call {
    Dwarf_Addr return_address = 0;
    bool is_jump = false;
    // Its function, which may be only declared; none if that is known when the call is made.
    std::optional<Dwarf_Die> called{};
  };

  // Ways that lead by jumps alone to the function called, the innermost frame first.
  struct Ways {
    static constexpr std::size_t kMost = 64;
    static constexpr int kLongest = 8;
    std::string_view called;
    std::vector<std::vector<Frame>> found{};

    bool LeadsTo(const Call& call) const {
      if (called.empty()) return !call.called || !CodeOf(*call.called);
      Dwarf_Die function = call.called.value_or(Dwarf_Die{});
      return call.called && NameOf(function) == called;
    }
    // What all have in common, if they are by one line.
    std::vector<Frame> InCommon() const {
      if (found.empty() || found.size() >= kMost) return {};
      std::size_t common = found.front().size();
      for (const std::vector<Frame>& way : found) {
        std::size_t same = 0;
        while (same < std::min(common, way.size()) && IsSame(way[same], found.front()[same]))
          ++same;
        common = same;
      }
      return {found.front().begin(), found.front().begin() + static_cast<std::ptrdiff_t>(common)};
    }
    static bool IsSame(const Frame& a, const Frame& b) {
      return a.line == b.line && a.file == b.file && a.function == b.function;
    }
  };

  std::vector<Frame> FollowJumps(std::uintptr_t return_address, std::string_view called) {
    Ways ways{.called = called};
    if (return_address == kSomeFunction) return WaysOfAny(called);
    Dwarf_Addr bias = 0;
    Dwfl_Module* const module = ModuleAt(return_address - 1);
    Dwarf_Die* const unit = module != nullptr ? UnitAt(module, return_address - 1, bias) : nullptr;
    if (unit == nullptr) return {};
    const std::optional<Call> call = CallBefore(unit, return_address - bias);
    if (!call) return {};
    if (!call->called) return called.empty() ? std::vector<Frame>() : WaysOfAny(called);
    Follow(*call->called, module, bias, {}, ways);
    return ways.InCommon();
  }

  void Follow(const Dwarf_Die& function, Dwfl_Module* module, Dwarf_Addr bias,
              const std::vector<Frame>& from, Ways& ways) {
    std::optional<Dwarf_Die> code = CodeOf(function);
    if (!code) code = DefinedIn(module, function);
    if (!code || from.size() >= Ways::kLongest) return;
    EachCall(*code, [&](const Call& call) {
      if (!call.is_jump || ways.found.size() >= Ways::kMost) return;
      std::vector<Frame> way = LookUp(call.return_address + bias);
      way.insert(way.end(), from.begin(), from.end());
      if (ways.LeadsTo(call))
        ways.found.push_back(std::move(way));
      else if (call.called)
        Follow(*call.called, module, bias, way, ways);
      else
        ways.found.push_back(WaysOfAny(ways.called));
    });
  }

  // The code of a function that another compilation unit of the module defines.
  std::optional<Dwarf_Die> DefinedIn(Dwfl_Module* module, Dwarf_Die function) {
    const auto [known, is_new] = defined_.try_emplace(module);
    Dwarf_Addr bias = 0;
    Dwarf_Die* unit = is_new ? dwfl_module_nextcu(module, nullptr, &bias) : nullptr;
    for (; unit != nullptr; unit = dwfl_module_nextcu(module, unit, &bias)) {
      Dwarf_Die die;
      if (dwarf_child(unit, &die) != 0) continue;
      do {
        if (dwarf_tag(&die) == DW_TAG_subprogram && EntryOf(die) &&
            dwarf_hasattr_integrate(&die, DW_AT_external) != 0)
          known->second.emplace(NameOf(die), die);
      } while (dwarf_siblingof(&die, &die) == 0);
    }
    const auto found = known->second.find(NameOf(function));
    return found != known->second.end() ? std::optional(found->second) : std::nullopt;
  }

  // Any function of the process may be what was called through a pointer.
  const std::vector<Frame>& WaysOfAny(std::string_view called) {
    const auto [known, is_new] = jumps_to_.try_emplace(std::string(called));
    if (!is_new) return known->second;
    Ways ways{.called = called};
    // Module by module: dwfl_nextcu ends at the first whose file cannot be read.
    for (Dwfl_Module* const module : Modules()) {
      Dwarf_Addr bias = 0;
      Dwarf_Die* unit = dwfl_module_nextcu(module, nullptr, &bias);
      for (; unit != nullptr; unit = dwfl_module_nextcu(module, unit, &bias)) {
        EachCall(*unit, [&](const Call& call) {
          if (call.is_jump && ways.found.size() < Ways::kMost && ways.LeadsTo(call))
            ways.found.push_back(LookUp(call.return_address + bias));
        });
      }
    }
    return known->second = ways.InCommon();
  }

  std::vector<Dwfl_Module*> Modules() {
    Refresh();
    std::vector<Dwfl_Module*> modules;
    const auto add = [](Dwfl_Module* module, void**, const char*, Dwarf_Addr, void* to) {
      static_cast<std::vector<Dwfl_Module*>*>(to)->push_back(module);
      return static_cast<int>(DWARF_CB_OK);
    };
    dwfl_getmodules(dwfl_, add, &modules, 0);
    return modules;
  }

  Dwfl_Module* ModuleAt(Dwarf_Addr address) {
    Refresh();
    if (files_.empty()) return dwfl_addrmodule(dwfl_, address);
    // A library that was unloaded may have been where another is now.
    for (Dwfl_Module* const module : latest_first_) {
      Dwarf_Addr start = 0, end = 0;
      dwfl_module_info(module, nullptr, &start, &end, nullptr, nullptr, nullptr, nullptr);
      if (address >= start && address < end) return module;
    }
    return nullptr;
  }

  // Not before somebody asks: that takes milliseconds, and where nothing was armed nobody does.
  void Refresh() {
    if (std::exchange(is_current_, true)) return;
    static const Dwfl_Callbacks callbacks = {.find_elf = &dwfl_linux_proc_find_elf,
                                             .find_debuginfo = &dwfl_standard_find_debuginfo,
                                             .section_address = nullptr,
                                             .debuginfo_path = nullptr};
    if (dwfl_ == nullptr) dwfl_ = dwfl_begin(&callbacks);
    latest_first_.clear();
    defined_.clear();  // they refer to what a module has read, which may be gone
    local_functions_.clear();
    dwfl_report_begin(dwfl_);
    if (files_.empty()) dwfl_linux_proc_report(dwfl_, getpid());
    for (const LoadedFile& file : std::views::reverse(files_)) {
      Dwfl_Module* const module =
          dwfl_report_elf(dwfl_, file.path.c_str(), file.path.c_str(), -1, file.bias, true);
      if (module != nullptr) latest_first_.push_back(module);
    }
    dwfl_report_end(dwfl_, nullptr, nullptr);
  }

  // The compilation unit that has the address, and what to take off from the address in it. Clang
  // writes no table of that, and where others do, elfutils 0.188 may give the unit that is before
  // it. So the units are asked one by one.
  static Dwarf_Die* UnitAt(Dwfl_Module* module, Dwarf_Addr address, Dwarf_Addr& bias) {
    Dwarf_Die* unit = dwfl_module_addrdie(module, address, &bias);
    if (unit != nullptr && dwarf_haspc(unit, address - bias) > 0) return unit;
    unit = nullptr;
    do {
      unit = dwfl_module_nextcu(module, unit, &bias);
    } while (unit != nullptr && dwarf_haspc(unit, address - bias) <= 0);
    return unit;
  }

  // What is around an address, innermost first: each function that is inlined there, and the one
  // that has the code. dwarf_getscopes finds none where the latter's entry is in that of a function
  // which does not have the address: a lambda's type is local to the function it is written in.
  std::vector<Dwarf_Die> ScopesAt(Dwarf_Die* unit, Dwarf_Addr address) {
    std::vector<Dwarf_Die> scopes;
    std::optional<Dwarf_Die> scope = ChildAt(*unit, address);
    if (!scope) scope = LocalFunctionAt(*unit, address);
    for (; scope; scope = ChildAt(*scope, address)) scopes.push_back(*scope);
    std::ranges::reverse(scopes);
    return scopes;
  }

  static std::optional<Dwarf_Die> ChildAt(Dwarf_Die die, Dwarf_Addr address) {
    Dwarf_Die child;
    for (int end = dwarf_child(&die, &child); end == 0; end = dwarf_siblingof(&child, &child)) {
      if (dwarf_haspc(&child, address) > 0) return child;
    }
    return std::nullopt;
  }

  std::optional<Dwarf_Die> LocalFunctionAt(const Dwarf_Die& unit, Dwarf_Addr address) {
    const auto [known, is_new] = local_functions_.try_emplace(unit.addr);
    if (is_new) FindFunctions(unit, known->second);
    const auto found = std::ranges::find_if(
        known->second, [&](Dwarf_Die& function) { return dwarf_haspc(&function, address) > 0; });
    return found != known->second.end() ? std::optional(*found) : std::nullopt;
  }

  // Where a function begins, if it has code. g++ writes no more than the ranges of one that it has
  // split into what runs and what seldom does; the first is where it begins.
  static std::optional<Dwarf_Addr> EntryOf(Dwarf_Die function) {
    Dwarf_Addr entry = 0, base = 0, end = 0;
    if (dwarf_entrypc(&function, &entry) == 0 ||
        dwarf_ranges(&function, 0, &base, &entry, &end) > 0)
      return entry;
    return std::nullopt;
  }

  // Those that have code, however deep in `die`.
  static void FindFunctions(Dwarf_Die die, std::vector<Dwarf_Die>& found) {
    Dwarf_Die child;
    for (int end = dwarf_child(&die, &child); end == 0; end = dwarf_siblingof(&child, &child)) {
      const int tag = dwarf_tag(&child);
      if (tag == DW_TAG_subprogram && EntryOf(child)) found.push_back(child);
      if (tag == DW_TAG_subprogram || tag == DW_TAG_namespace || tag == DW_TAG_class_type ||
          tag == DW_TAG_structure_type || tag == DW_TAG_lexical_block)
        FindFunctions(child, found);
    }
  }

  // One frame for each function inlined at the address, and one for the function that they are in.
  std::vector<Frame> Expand(Dwarf_Die* unit, Dwarf_Addr address, Frame innermost) {
    std::vector<Frame> frames{std::move(innermost)};
    if (unit == nullptr) return frames;
    for (Dwarf_Die& scope : ScopesAt(unit, address)) {
      const int tag = dwarf_tag(&scope);
      if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram) continue;
      frames.back().function = NameOf(scope);
      if (tag == DW_TAG_subprogram) break;
      Frame caller;
      Dwarf_Attribute attribute;
      Dwarf_Word value = 0;
      if (dwarf_formudata(dwarf_attr(&scope, DW_AT_call_line, &attribute), &value) == 0)
        caller.line = static_cast<std::uint32_t>(value);
      Dwarf_Files* files = nullptr;
      if (dwarf_formudata(dwarf_attr(&scope, DW_AT_call_file, &attribute), &value) == 0 &&
          dwarf_getsrcfiles(unit, &files, nullptr) == 0) {
        const char* const file = dwarf_filesrc(files, value, nullptr, nullptr);
        caller.file = file != nullptr ? Plain(file) : "";
      }
      frames.push_back(std::move(caller));
    }
    return frames;
  }

  // None if `die` is no call.
  static std::optional<Call> CallOf(Dwarf_Die& die) {
    const int tag = dwarf_tag(&die);
    if (tag != DW_TAG_call_site && tag != DW_TAG_GNU_call_site) return std::nullopt;
    const bool gnu = tag == DW_TAG_GNU_call_site;
    Call call;
    Dwarf_Attribute attribute;
    if (dwarf_formaddr(dwarf_attr(&die, gnu ? DW_AT_low_pc : DW_AT_call_return_pc, &attribute),
                       &call.return_address) != 0) {
      // Clang says of a jump where it is: an address in it will do.
      if (dwarf_formaddr(dwarf_attr(&die, DW_AT_call_pc, &attribute), &call.return_address) != 0)
        return std::nullopt;
      ++call.return_address;
    }
    Dwarf_Die called;
    if (dwarf_formref_die(
            dwarf_attr(&die, gnu ? DW_AT_abstract_origin : DW_AT_call_origin, &attribute),
            &called) != nullptr)
      call.called = called;
    call.is_jump = dwarf_hasattr(&die, gnu ? DW_AT_GNU_tail_call : DW_AT_call_tail_call) != 0;
    return call;
  }

  // Calls `use` with each call in the code of `die`.
  static void EachCall(Dwarf_Die& die, const auto& use) {
    Dwarf_Die child;
    if (dwarf_child(&die, &child) != 0) return;
    do {
      if (const std::optional<Call> call = CallOf(child)) use(*call);
      EachCall(child, use);
    } while (dwarf_siblingof(&child, &child) == 0);
  }

  // The call that returns to that address; or one of the function that begins there.
  std::optional<Call> CallBefore(Dwarf_Die* unit, Dwarf_Addr return_address) {
    std::optional<Call> found;
    for (Dwarf_Die& scope : ScopesAt(unit, return_address - 1)) {
      if (dwarf_tag(&scope) != DW_TAG_subprogram) continue;
      const auto entry = EntryOf(scope);
      if (entry && BeginningOf(*entry) == return_address) return Call{.called = scope};
      EachCall(scope, [&](const Call& call) {
        if (call.return_address == return_address) found = call;
      });
    }
    return found;
  }

  // The entry of debug information that has a function's code: another one than what a call refers
  // to, where the function is inlined elsewhere or declared before.
  static std::optional<Dwarf_Die> CodeOf(Dwarf_Die function) {
    if (EntryOf(function)) return function;
    Dwarf_Die unit, die;
    if (dwarf_diecu(&function, &unit, nullptr, nullptr) == nullptr || dwarf_child(&unit, &die) != 0)
      return std::nullopt;
    do {
      if (dwarf_tag(&die) != DW_TAG_subprogram || !EntryOf(die)) continue;
      for (const unsigned int refers : {DW_AT_abstract_origin, DW_AT_specification}) {
        Dwarf_Attribute attribute;
        Dwarf_Die referred;
        if (dwarf_formref_die(dwarf_attr(&die, refers, &attribute), &referred) != nullptr &&
            dwarf_dieoffset(&referred) == dwarf_dieoffset(&function))
          return die;
      }
    } while (dwarf_siblingof(&die, &die) == 0);
    return std::nullopt;
  }

  std::mutex mutex_;
  Dwfl* dwfl_ = nullptr;
  bool is_current_ = false;                                       // dwfl_
  std::vector<LoadedFile> files_;                                 // none: those of this process
  std::vector<Dwfl_Module*> latest_first_;                        // of them
  std::unordered_map<std::uintptr_t, std::vector<Frame>> known_;  // elements do not move
  std::map<std::pair<std::uintptr_t, std::string>, std::vector<Frame>> jumps_;
  std::map<std::string, std::vector<Frame>> jumps_to_;  // from any function
  std::map<Dwfl_Module*, std::map<std::string, Dwarf_Die>> defined_;
  std::map<const void*, std::vector<Dwarf_Die>> local_functions_;  // of a compilation unit
};

}  // namespace

const std::vector<Frame>& FramesAt(std::uintptr_t return_address) {
  const heap::Scope::Suspend suspend;
  return Process::Get().FramesAt(return_address);
}

std::vector<Frame> FramesOfJumps(std::uintptr_t return_address, std::string_view called) {
  const heap::Scope::Suspend suspend;
  return Process::Get().FramesOfJumps(return_address, called);
}

void NameAddressesOf(std::vector<LoadedFile> files) {
  Process::Get().NameAddressesOf(std::move(files));
}

}  // namespace afterleak::internal
