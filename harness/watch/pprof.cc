#include "watch/pprof.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <new>
#include <ranges>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "afterleak/census/symbols.h"
#include "watch/mapping.h"
#include "watch/text.h"

namespace afterleak::watch {
namespace {

// A message of protobuf: fields by number. What is zero or empty is what a reader assumes.
class ProtoMessage {
 public:
  void Add(int field, std::uint64_t value) {
    if (value == 0) return;
    Varint(static_cast<std::uint64_t>(field) << 3);
    Varint(value);
  }
  void Add(int field, std::string_view bytes) {
    Varint(static_cast<std::uint64_t>(field) << 3 | 2);
    Varint(bytes.size());
    bytes_ += bytes;
  }
  void Add(int field, const ProtoMessage& message) { Add(field, message.bytes_); }
  void Add(int field, std::span<const std::uint64_t> values) {  // packed
    ProtoMessage packed;
    for (const std::uint64_t value : values) packed.Varint(value);
    Add(field, packed);
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void Varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

std::string Gzip(const std::string& text) {
  constexpr int kGzip = 15 + 16;  // the largest window, and gzip's head
  z_stream stream = {};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK)
    throw std::bad_alloc();
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// Things that a profile numbers from 1 on, each once.
template <typename Key>
class Numbered {
 public:
  // The number, and whether it is new.
  std::pair<std::uint64_t, bool> Number(const Key& key) {
    const auto [known, is_new] = numbers_.try_emplace(key, numbers_.size() + 1);
    return {known->second, is_new};
  }

 private:
  std::map<Key, std::uint64_t> numbers_;
};

// The numbers of fields are those of profile.proto.
class Profile {
 public:
  explicit Profile(const Report& report) {
    profile_.Add(6, "");  // string 0
    for (const char* value : {"live", "idle", "armed"}) {
      ProtoMessage type;
      type.Add(1, String(value));
      type.Add(2, String("count"));
      profile_.Add(1, type);
    }
    AddMappings(report);
    for (const StackRow& stack : report.stacks) AddSample(stack);
  }

  std::string Finish(const Report& report, std::chrono::system_clock::time_point now) {
    const auto since = std::chrono::duration_cast<Duration>(now.time_since_epoch());
    profile_.Add(9, static_cast<std::uint64_t>((since - report.watched).count()));
    profile_.Add(10, static_cast<std::uint64_t>(report.watched.count()));
    const std::uint64_t comment = String("afterleak watch " + report.command);
    profile_.Add(13, std::span(&comment, 1));
    profile_.Add(14, String("live"));
    return profile_.bytes();
  }

 private:
  std::uint64_t String(std::string_view text) {
    if (text.empty()) return 0;
    const auto [number, is_new] = strings_.Number(std::string(text));
    if (is_new) profile_.Add(6, ValidUtf8(text));
    return number;
  }

  // The first is taken for that of the program.
  void AddMappings(const Report& report) {
    std::map<std::string, std::uintptr_t> starts;
    std::map<std::string, bool> named;  // all functions of it
    for (const StackRow& stack : report.stacks) {
      for (const std::uintptr_t address : stack.frames) {
        const internal::Frame& frame = internal::FramesAt(address).back();
        if (frame.module.empty()) continue;
        starts[frame.module] = address - 1 - frame.offset;
        const auto [known, is_new] = named.try_emplace(frame.module, true);
        known->second = known->second && !frame.function.empty();
      }
    }
    std::vector<std::string> modules;
    std::ranges::copy(std::views::keys(starts), std::back_inserter(modules));
    std::ranges::stable_partition(
        modules, [&](const std::string& module) { return module == report.program; });
    for (const std::string& module : modules) {
      const Mapping code = MappingOf(module, starts[module]);
      ProtoMessage mapping;
      mapping.Add(1, mappings_.Number(module).first);
      mapping.Add(2, code.begin);
      mapping.Add(3, code.end);
      mapping.Add(4, code.offset);
      mapping.Add(5, String(module));
      mapping.Add(6, String(code.build_id));
      for (const int has : {7, 8, 9, 10}) mapping.Add(has, std::uint64_t{named[module]});
      profile_.Add(3, mapping);
    }
  }

  void AddSample(const StackRow& stack) {
    std::vector<std::uint64_t> locations(stack.frames.size());
    std::ranges::transform(stack.frames, locations.begin(),
                           [this](std::uintptr_t address) { return Location(address); });
    const std::uint64_t values[] = {static_cast<std::uint64_t>(stack.live),
                                    static_cast<std::uint64_t>(stack.idle),
                                    static_cast<std::uint64_t>(stack.armed)};
    ProtoMessage kind;
    kind.Add(1, String("kind"));
    kind.Add(2, String(stack.kind));
    ProtoMessage sample;
    sample.Add(1, locations);
    sample.Add(2, values);
    sample.Add(3, kind);
    profile_.Add(2, sample);
  }

  // Functions that the compiler has inlined are lines of one location.
  std::uint64_t Location(std::uintptr_t address) {
    const auto [number, is_new] = locations_.Number(address);
    if (!is_new) return number;
    const std::vector<internal::Frame>& frames = internal::FramesAt(address);
    ProtoMessage location;
    location.Add(1, number);
    if (!frames.back().module.empty())
      location.Add(2, mappings_.Number(frames.back().module).first);
    location.Add(3, address - 1);  // within the call
    for (const internal::Frame& frame : frames) {
      if (frame.module.empty()) continue;
      ProtoMessage line;
      line.Add(1, Function(frame));
      line.Add(2, frame.line);
      location.Add(4, line);
    }
    profile_.Add(4, location);
    return number;
  }

  std::uint64_t Function(const internal::Frame& frame) {
    const std::string module = std::filesystem::path(frame.module).filename();
    const std::string name =
        frame.function.empty() ? fmt::format("{}+{:#x}", module, frame.offset) : frame.function;
    const auto [number, is_new] = functions_.Number({name, frame.file});
    if (!is_new) return number;
    ProtoMessage function;
    function.Add(1, number);
    function.Add(2, String(name));
    function.Add(3, String(name));
    function.Add(4, String(frame.file));
    profile_.Add(5, function);
    return number;
  }

  ProtoMessage profile_;
  Numbered<std::string> strings_;
  Numbered<std::string> mappings_;  // by path
  Numbered<std::uintptr_t> locations_;
  Numbered<std::pair<std::string, std::string>> functions_;  // name and file
};

}  // namespace

std::string ToPprof(const Report& report, std::chrono::system_clock::time_point now) {
  return Gzip(Profile(report).Finish(report, now));
}

}  // namespace afterleak::watch
