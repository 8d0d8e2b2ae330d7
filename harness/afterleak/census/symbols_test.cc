#include "afterleak/census/symbols.h"

#include <dwarf.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/written_program.h"

namespace afterleak::internal {
namespace symbols_test {

using testing::ElementsAre;
using testing::IsEmpty;

using namespace test;

constexpr std::uintptr_t kBias = 0x50000;  // not 0 where a program was loaded elsewhere
constexpr std::uintptr_t Returns(std::uintptr_t line) { return kCode + line + 1; }
constexpr std::uintptr_t Begins(std::uintptr_t line) { return BeginningOf(kCode + line); }

class Symbols : public testing::Test {
 protected:
  ~Symbols() override {
    NameAddressesOf({});
    std::filesystem::remove_all(folder_);
  }

  std::string Write(const Program& program) {
    std::string path = folder_ + "/program" + std::to_string(++written_);
    std::ofstream(path, std::ios::binary) << Writer(program).File();
    return path;
  }
  // All addresses are this program's from now on.
  void Load(const Program& program) { NameAddressesOf({{.path = Write(program)}}); }
  void Load(std::vector<Entry> inside) { Load({.units = {{"app.cc", 10, 100, inside}}}); }

  static std::vector<std::string> Shown(const std::vector<Frame>& frames) {
    std::vector<std::string> shown;
    shown.reserve(frames.size());
    for (const Frame& frame : frames)
      shown.push_back(frame.function + " " + frame.file + ":" + std::to_string(frame.line));
    return shown;
  }
  static std::vector<std::string> At(std::uintptr_t address) { return Shown(FramesAt(address)); }
  static std::vector<std::string> JumpsFrom(std::uintptr_t address, const char* called = "Arm") {
    return Shown(FramesOfJumps(address, called));
  }

 private:
  static std::string NewFolder() {
    std::string name = testing::TempDir() + "symbols_test.XXXXXX";
    return mkdtemp(name.data());
  }
  const std::string folder_ = NewFolder();
  int written_ = 0;
};

const char kUnknown[] = " :0";

TEST_F(Symbols, AnAddressIsALineOfAFunctionInAModule) {
  const std::string path = Write(
      {.units = {
           {"././net/app.cc", 10, 100, {Function("Main", 10, 20), Function("Poll", 20, 30)}}}});
  NameAddressesOf({{.path = path, .bias = kBias}});
  const std::vector<Frame>& frames = FramesAt(kBias + Returns(25));
  EXPECT_THAT(Shown(frames), ElementsAre("Poll net/app.cc:25"));
  EXPECT_EQ(frames[0].module, path);
  EXPECT_EQ(frames[0].offset, 25u);
  EXPECT_THAT(At(kBias + Returns(19)), ElementsAre("Main net/app.cc:19"));
  EXPECT_THAT(At(kBias + Returns(20)), ElementsAre("Poll net/app.cc:20"));
  EXPECT_THAT(At(Returns(25)), ElementsAre(kUnknown));
}

TEST_F(Symbols, ABlockInAFunctionIsNoFrameAndAnInlinedFunctionIs) {
  Load({In(DW_TAG_subprogram, {}).With(Name("Wait")).Key("Wait"),
        Function("Poll", 20, 40,
                 {Lines(DW_TAG_lexical_block, 22, 38,
                        {Lines(DW_TAG_inlined_subroutine, 24, 28,
                               {Lines(DW_TAG_lexical_block, 25, 27, {})})
                             .With(To(DW_AT_abstract_origin, "Wait"))
                             .With({DW_AT_call_file, DW_FORM_udata, 1})
                             .With({DW_AT_call_line, DW_FORM_udata, 23})})})});
  EXPECT_THAT(At(Returns(26)), ElementsAre("Wait app.cc:26", "Poll app.cc:23"));
  EXPECT_THAT(At(Returns(30)), ElementsAre("Poll app.cc:30"));
}

TEST_F(Symbols, WithoutDebugInformationTheLinkersNameRemains) {
  Load({.units = {{"app.cc", 10, 100, {}}}, .symbols = {{"_ZN3net4PollEv", 200}}});
  const std::vector<Frame>& frames = FramesAt(Returns(200));
  EXPECT_THAT(Shown(frames), ElementsAre("net::Poll :0"));
  EXPECT_EQ(frames[0].offset, 200u);
}

// GCC writes a table of the units' addresses, and Clang none; one program may have both.
TEST_F(Symbols, AUnitThatIsNotInTheTableIsFound) {
  const SourceUnit clang("clang.cc", 20, 30, {Function("Poll", 20, 30)});
  const SourceUnit before("before.cc", 10, 20, {Function("Before", 10, 20)}, true);
  const SourceUnit behind("behind.cc", 30, 40, {Function("Behind", 30, 40)}, true);
  for (const std::vector<SourceUnit>& units :
       {std::vector{before, clang, behind}, std::vector{clang, before, behind},
        std::vector{before, behind, clang}}) {
    const std::string path = Write({.units = units});
    NameAddressesOf({{.path = path, .bias = kBias}});
    EXPECT_THAT(At(kBias + Returns(15)), ElementsAre("Before before.cc:15"));
    EXPECT_THAT(At(kBias + Returns(25)), ElementsAre("Poll clang.cc:25"));
    EXPECT_THAT(At(kBias + Returns(35)), ElementsAre("Behind behind.cc:35"));
    EXPECT_THAT(At(kBias + Returns(45)), ElementsAre(kUnknown));
  }
}

// As a lambda is in the function that it is written in, and code of a namespace in that.
TEST_F(Symbols, AFunctionIsFoundWhateverItIsWrittenIn) {
  for (const std::uint64_t tag : {DW_TAG_namespace, DW_TAG_class_type, DW_TAG_structure_type,
                                  DW_TAG_lexical_block, DW_TAG_subprogram}) {
    Load({In(tag, {}), Entry{.tag = DW_TAG_variable},
          In(tag, {Declared("declared"), Function("first", 30, 40), Function("second", 40, 50)}),
          Function("Poll", 20, 30,
                   {In(tag, {Entry{.tag = DW_TAG_member},
                             In(DW_TAG_structure_type, {Static("operator()", 50, 60)})})})});
    EXPECT_THAT(At(Returns(25)), ElementsAre("Poll app.cc:25")) << tag;
    EXPECT_THAT(At(Returns(35)), ElementsAre("first app.cc:35")) << tag;
    EXPECT_THAT(At(Returns(45)), ElementsAre("second app.cc:45")) << tag;
    EXPECT_THAT(At(Returns(55)), ElementsAre("operator() app.cc:55")) << tag;
    EXPECT_THAT(At(Returns(65)), ElementsAre(" app.cc:65")) << tag;
  }
}

// Of which process they are.
class AddressesOf : public Symbols {
 protected:
  static void OurFunction() {}
  const std::uintptr_t ours_ = BeginningOf(reinterpret_cast<std::uintptr_t>(&OurFunction));
};

TEST_F(AddressesOf, AnotherProcessAreNotOurs) {
  EXPECT_NE(FramesAt(ours_).front().module, "");
  Load({Function("Poll", 20, 30)});
  EXPECT_THAT(At(ours_), ElementsAre(kUnknown));
  NameAddressesOf({});
  EXPECT_NE(FramesAt(ours_).front().module, "");
  EXPECT_THAT(At(Returns(25)), ElementsAre(kUnknown));
}

TEST_F(AddressesOf, TheNextProcessAreNotThoseOfTheLast) {
  for (const unsigned int line : {45u, 50u, 55u}) {
    const std::string local = "local" + std::to_string(line);
    const std::string jump = "Poll poll.cc:" + std::to_string(line);
    const SourceUnit app(
        "app.cc", 10, 40,
        {Declared("Poll").Key("declared"), Function("Main", 10, 20, {Call(15, "declared")}),
         In(DW_TAG_namespace, {Function(local, 20, 30)})});
    const SourceUnit poll("poll.cc", 40, 60,
                          {Declared("Arm"), Function("Poll", 40, 60, {Jump(line, "Arm")})});
    Load({.units = {app, poll}});
    EXPECT_THAT(JumpsFrom(kSomeFunction), ElementsAre(jump));
    EXPECT_THAT(JumpsFrom(Returns(15)), ElementsAre(jump));
    EXPECT_THAT(At(Returns(25)), ElementsAre(local + " app.cc:25"));
  }
}

TEST_F(AddressesOf, AProcessThatLoadsMoreKeepTheirNames) {
  const std::string first = Write({.units = {{"first.cc", 10, 40, {Function("First", 10, 40)}}}});
  const std::string more = Write({.units = {{"more.cc", 10, 40, {Function("More", 10, 40)}}}});
  NameAddressesOf({{.path = first}});
  EXPECT_THAT(At(Returns(25)), ElementsAre("First first.cc:25"));
  EXPECT_THAT(At(kBias + Returns(25)), ElementsAre(kUnknown));
  std::filesystem::remove(first);
  NameAddressesOf({{.path = first}, {.path = more, .bias = kBias}});
  EXPECT_THAT(At(Returns(25)), ElementsAre("First first.cc:25"));
  EXPECT_THAT(At(kBias + Returns(25)), ElementsAre("More more.cc:25"));
  NameAddressesOf({{.path = more, .bias = kBias}});
  EXPECT_THAT(At(Returns(25)), ElementsAre(kUnknown));
}

TEST_F(AddressesOf, TheLibraryThatWasLoadedLastWhereAnotherWas) {
  const std::string old = Write({.units = {{"old.cc", 10, 40, {Function("Old", 10, 40)}}}});
  const std::string now = Write({.units = {{"new.cc", 10, 40, {Function("New", 10, 40)}}}});
  for (const std::uintptr_t bias : {kBias, kBias - 0x1000, kBias + 0x1000}) {
    NameAddressesOf({{.path = old, .bias = kBias}, {.path = now, .bias = bias}});
    EXPECT_THAT(At(bias + Returns(25)), ElementsAre("New new.cc:25"));
  }
  EXPECT_THAT(At(kBias + Returns(25)), ElementsAre("Old old.cc:25"));
}

TEST_F(AddressesOf, ALibraryThatWeLoadLateHaveNames) {
  Load({Function("Poll", 20, 30)});
  NameAddressesOf({});  // so that nothing is known of us
  EXPECT_NE(FramesAt(ours_).front().module, "");
  const std::string path = Write({.units = {{"late.cc", 10, 40, {Function("Late", 10, 40)}}}});
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  constexpr std::size_t kMapped = 1 << 26;  // more than what libraries leave between their segments
  void* const loaded = mmap(nullptr, kMapped, PROT_READ, MAP_PRIVATE, file, 0);
  ASSERT_NE(loaded, MAP_FAILED);
  close(file);
  EXPECT_THAT(At(reinterpret_cast<std::uintptr_t>(loaded) + 26), ElementsAre("Late late.cc:25"));
  munmap(loaded, kMapped);
}

class Jumps : public Symbols {};

TEST_F(Jumps, AreInWhatWasCalled) {
  Load({Declared("Arm"), Function("Main", 10, 20, {Call(11, "Poll"), Call(15, "Main")}),
        Function("Poll", 20, 30, {Jump(25, "Arm")})});
  EXPECT_THAT(JumpsFrom(Returns(11)), ElementsAre("Poll app.cc:25"));
  EXPECT_THAT(JumpsFrom(Returns(15)), IsEmpty());
  EXPECT_THAT(JumpsFrom(Returns(16)), IsEmpty()) << "no call";
  EXPECT_THAT(JumpsFrom(Returns(11), "Other"), IsEmpty());
}

TEST_F(Jumps, LeadOnToOthers) {
  Load({Declared("Arm"), Function("Main", 10, 20, {Call(15, "Poll")}),
        Function("Poll", 20, 30, {Jump(25, "Wait")}),
        Function("Wait", 30, 40, {Call(34, "Arm"), Jump(35, "Arm")})});
  EXPECT_THAT(JumpsFrom(Returns(15)), ElementsAre("Wait app.cc:35", "Poll app.cc:25"));
}

TEST_F(Jumps, OfSeveralWaysAreWhatAllHaveInCommon) {
  Load({Declared("Arm"), Function("Main", 10, 20, {Call(15, "Poll"), Call(16, "Either")}),
        Function("Poll", 20, 30, {Jump(25, "Wait"), Jump(26, "Step"), Jump(27, "Wait")}),
        Function("Wait", 30, 40, {Jump(35, "Step")}), Function("Step", 40, 50, {Jump(45, "Arm")}),
        Function("Either", 50, 60, {Jump(55, "Arm"), Jump(56, "Arm")})});
  EXPECT_THAT(JumpsFrom(Returns(15)), ElementsAre("Step app.cc:45"));
  EXPECT_THAT(JumpsFrom(Returns(16)), IsEmpty()) << "two lines";
}

TEST_F(Jumps, OfVeryManyWaysAreNone) {
  std::vector<Entry> ways(10'000, Jump(25, "Arm"));
  ways.push_back(Jump(26, "Arm"));
  Load({Declared("Arm"), Function("Main", 10, 20, {Call(15, "Poll")}),
        Function("Poll", 20, 30, ways)});
  EXPECT_THAT(JumpsFrom(Returns(15)), IsEmpty());
  EXPECT_THAT(JumpsFrom(kSomeFunction), IsEmpty());
}

TEST_F(Jumps, ThroughAPointerMayBeToAnyThatJumps) {
  Load({Declared("Arm"), Function("Main", 10, 20, {Call(15, "Poll"), Call(16)}),
        Function("Poll", 20, 30, {Jump(25)}), Function("Wait", 30, 40, {Jump(35, "Arm")}),
        Function("Step", 40, 50, {Call(45, "Arm")})});
  EXPECT_THAT(JumpsFrom(kSomeFunction), ElementsAre("Wait app.cc:35"));
  EXPECT_THAT(JumpsFrom(Returns(15)), ElementsAre("Wait app.cc:35"));
  EXPECT_THAT(JumpsFrom(Returns(16)), ElementsAre("Wait app.cc:35"));
}

TEST_F(Jumps, ToWhatIsNotKnownAreToWhatIsDefinedElsewhere) {
  Load({Declared("Elsewhere"),
        Function("Main", 10, 20, {Call(15, "Poll"), Call(16, "Step"), Call(17)}),
        Function("Poll", 20, 30, {Jump(25, "Wait")}),
        Function("Wait", 30, 40, {Jump(35, "Elsewhere")}), Function("Step", 40, 50, {Jump(45)})});
  EXPECT_THAT(JumpsFrom(Returns(15), ""), ElementsAre("Wait app.cc:35", "Poll app.cc:25"));
  EXPECT_THAT(JumpsFrom(Returns(16), ""), ElementsAre("Step app.cc:45"));
  EXPECT_THAT(JumpsFrom(Returns(17), ""), IsEmpty());
}

TEST_F(Jumps, OfAFunctionThatAnotherUnitDefines) {
  const SourceUnit empty("empty.cc", 1, 2);
  const SourceUnit app("app.cc", 10, 20,
                       {Declared("Poll"), Function("Main", 10, 20, {Call(15, "Poll")})});
  const SourceUnit namesake(
      "namesake.cc", 20, 30,
      {Declared("Arm"), Static("Poll", 20, 30, {Jump(25, "Arm")}).Key("namesake")});
  const SourceUnit poll("poll.cc", 30, 60,
                        {Entry{.tag = DW_TAG_variable}, Function("Other", 30, 40),
                         Function("Poll", 40, 50, {Jump(45, "Arm")}).Key("defined")});
  Load({.units = {empty, app, namesake, poll}});
  EXPECT_THAT(JumpsFrom(Returns(15)), ElementsAre("Poll poll.cc:45"));
}

// As g++ does with what runs and what seldom does.
TEST_F(Jumps, OfAFunctionThatIsSplit) {
  Load({Declared("Arm"), Split("Poll", {{40, 50}, {20, 25}}, {Jump(45, "Arm")}),
        Function("Main", 10, 20, {Call(15, "Poll")})});
  EXPECT_THAT(JumpsFrom(Returns(15)), ElementsAre("Poll app.cc:45"));
  EXPECT_THAT(JumpsFrom(Begins(40)), ElementsAre("Poll app.cc:45"));
}

// The code is then apart from what a call refers to.
TEST_F(Jumps, OfAFunctionThatIsInlinedElsewhereOrDeclaredInAClass) {
  const auto code = [](unsigned int first, std::uint64_t refers, const char* to) {
    return Lines(DW_TAG_subprogram, first, first + 10, {Jump(first + 5, "Arm")})
        .With(To(refers, to));
  };
  const auto named = [](const char* name) {
    return Entry{.tag = DW_TAG_subprogram}.With(Name(name)).Key(name);
  };
  Load({Declared("Arm"), named("Inlined"), named("Other"),
        In(DW_TAG_class_type, {named("Method"), Declared("Both")}),
        Entry{.tag = DW_TAG_subprogram}.With(To(DW_AT_specification, "Both")).Key("inlined"),
        Function("Main", 10, 20, {Call(15, "Inlined"), Call(16, "Method"), Call(17, "Both")}),
        code(20, DW_AT_abstract_origin, "Other"), code(30, DW_AT_abstract_origin, "Inlined"),
        code(40, DW_AT_specification, "Method"), code(50, DW_AT_abstract_origin, "inlined")});
  EXPECT_THAT(JumpsFrom(Returns(15)), ElementsAre("Inlined app.cc:35"));
  EXPECT_THAT(JumpsFrom(Returns(16)), ElementsAre("Method app.cc:45"));
  EXPECT_THAT(JumpsFrom(Returns(17)), ElementsAre("Both app.cc:55"));
}

// The first and the last byte: of a function, of a unit and of a program beside which is another.
TEST_F(Jumps, FromAFunctionsBeginningAndFromACallAtItsEnd) {
  const Entry inlined =
      Lines(DW_TAG_inlined_subroutine, 20, 23, {Jump(22, "Other")}).With(Name("Inlined"));
  const SourceUnit unit(
      "app.cc", 0, 30,
      {Declared("Arm"), Declared("Other"), Function("First", 0, 10, {Jump(5, "Arm")}),
       Function("Second", 10, 20, {Jump(15, "Arm"), Call(19, "Last")}),
       Function("Third", 20, 30, {inlined, Jump(25, "Arm"), Call(29, "Last")})});
  const SourceUnit next("next.cc", 30, kEnd,
                        {Function("Fourth", 30, 40, {Jump(35, "Arm")}),
                         Function("Last", 90, kEnd, {Jump(95, "Arm"), Call(kEnd - 1, "First")})});
  const std::string path = Write({.units = {unit, next}});
  NameAddressesOf({{.path = path}, {.path = path, .bias = kEnd}});
  EXPECT_THAT(JumpsFrom(Begins(10)), ElementsAre("Second app.cc:15"));
  EXPECT_THAT(JumpsFrom(Begins(20)), ElementsAre("Third app.cc:25"));
  EXPECT_THAT(JumpsFrom(Begins(30)), ElementsAre("Fourth next.cc:35"));
  EXPECT_THAT(JumpsFrom(Begins(kEnd)), ElementsAre("First app.cc:5"));
  EXPECT_THAT(JumpsFrom(Returns(19)), ElementsAre("Last next.cc:95"));
  EXPECT_THAT(JumpsFrom(Returns(29)), ElementsAre("Last next.cc:95"));
  EXPECT_THAT(JumpsFrom(Returns(kEnd - 1)), ElementsAre("First app.cc:5"));
}

TEST_F(Jumps, AsClangWritesThemAndAsDwarf4Does) {
  const Entry at = Entry{.tag = DW_TAG_call_site}
                       .With({DW_AT_call_pc, DW_FORM_addr, 25})
                       .With({DW_AT_call_tail_call, DW_FORM_flag_present})
                       .With(To(DW_AT_call_origin, "Arm"));
  const Entry old = Entry{.tag = DW_TAG_GNU_call_site}
                        .With({DW_AT_low_pc, DW_FORM_addr, 36})
                        .With({DW_AT_GNU_tail_call, DW_FORM_flag_present})
                        .With(To(DW_AT_abstract_origin, "Arm"));
  Load({Declared("Arm"), Function("Main", 10, 20, {Call(15, "Clang"), Call(16, "Old")}),
        Function("Clang", 20, 30, {at}), Function("Old", 30, 40, {old})});
  EXPECT_THAT(JumpsFrom(Returns(15)), ElementsAre("Clang app.cc:25"));
  EXPECT_THAT(JumpsFrom(Returns(16)), ElementsAre("Old app.cc:35"));
}

}  // namespace symbols_test
}  // namespace afterleak::internal
