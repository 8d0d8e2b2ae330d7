#include "afterleak/census/site.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gnu/libc-version.h>
#include <gtest/gtest.h>
#include <link.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <source_location>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "afterleak/census/call_stack.h"
#include "afterleak/census/census.h"
#include "afterleak/census/judge.h"
#include "afterleak/census/symbols.h"

// Functions of a program, which are in no namespace of this library.
extern "C" [[gnu::noinline]] void clone_session(void (*work)()) {
  work();
  asm volatile("");
}

namespace afterleak {
// A function of the library that arms.
[[gnu::noinline]] Site ArmAt(const std::source_location& line) {
  const Site site = Site(line).WithCallStack();
  asm volatile("");
  return site;
}
}  // namespace afterleak

namespace shop {

// What the compiler has moved: the line of the site is on no stack.
[[gnu::noinline]] afterleak::Site Pay(const std::source_location& line) {
  const afterleak::Site site = afterleak::ArmAt(line);
  asm volatile("");
  return site;
}
[[gnu::noinline]] afterleak::Site Buy(const std::source_location& line) {
  const afterleak::Site site = Pay(line);
  asm volatile("");
  return site;
}
afterleak::Site Sell(const std::source_location& line);  // in a header: at the end of this file

}  // namespace shop

namespace afterleak {

namespace internal {
[[gnu::noinline]] void PassOn(const std::function<void()>& call) {
  call();
  asm volatile("");
}
}  // namespace internal

namespace site_test {

using testing::AnyOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr TimerKind kOnce{.name = "test::Once"};

// The clock that every project has, so that its tests can replace it.
struct Clock {
  Census& census;
  Census::Ticket After(std::source_location site = std::source_location::current()) const;
};
struct Wrapper {
  const Clock& clock;
  [[gnu::noinline]] Census::Ticket After() const { return clock.After(); }
};
Census::Ticket Clock::After(std::source_location site) const {
  return census.Arm(kOnce, site, 100, Time(), Time());
}

[[gnu::noinline]] Census::Ticket Poll(const Wrapper& clock) {
  const Census::Ticket ticket = clock.After();
  asm volatile("");  // no tail call: it would take this frame off the stack
  return ticket;
}
[[gnu::noinline]] Census::Ticket Drain(const Wrapper& clock) {
  const Census::Ticket ticket = clock.After();
  asm volatile("");
  return ticket;
}

// Two timers that Poll arms and one that Drain does.
CensusReport Armed(Census& census) {
  const Clock clock{census};
  for (int i = 0; i < 2; ++i) Poll({clock});
  Drain({clock});
  return census.Report(Time());
}

TEST(SitesByLine, TwoCallersOfAWrapperAreOneSite) {
  Census census;
  const CensusReport report = Armed(census);
  ASSERT_THAT(report.sites, SizeIs(1));
  EXPECT_THAT(report.sites[0].called_from, IsEmpty());
}

TEST(SitesByCallStack, TwoCallersOfAWrapperAreTwoSitesThatNameThem) {
  Census census;
  census.KeepCallStacks({});
  const CensusReport report = Armed(census);
  ASSERT_THAT(report.sites, SizeIs(2));
  EXPECT_EQ(report.sites[0].live, 2);
  EXPECT_EQ(report.sites[0].line, report.sites[1].line);
  EXPECT_THAT(report.sites[0].function, HasSubstr("Wrapper::After"));
  EXPECT_THAT(report.sites[0].called_from.at(0), HasSubstr("site_test.cc:"));
  EXPECT_THAT(report.sites[0].called_from.at(0), HasSubstr("Poll"));
  EXPECT_THAT(report.sites[1].called_from.at(0), HasSubstr("Drain"));
  EXPECT_THAT(ToString(report), HasSubstr("from harness/afterleak/census/site_test.cc:"));
}

TEST(SitesByCallStack, ADeclaredWrapperIsNotShown) {
  Census census;
  census.KeepCallStacks({"afterleak::site_test::Wrapper::"});
  const CensusReport report = Armed(census);
  ASSERT_THAT(report.sites, SizeIs(2));
  EXPECT_EQ(report.sites[0].function, "afterleak::site_test::Poll");
  EXPECT_EQ(report.sites[0].file, "harness/afterleak/census/site_test.cc");
  EXPECT_EQ(report.sites[0].column, 0u) << "not the wrapper's";
  EXPECT_EQ(report.sites[1].function, "afterleak::site_test::Drain");
  EXPECT_NE(report.sites[0].line, report.sites[1].line);
}

TEST(SitesByCallStack, AFindingOfTheJudgeNamesTheCaller) {
  Census census;
  census.KeepCallStacks({"afterleak::site_test::Wrapper::"});
  const Clock clock{census};
  census.Abandon(Drain({clock}), Time());
  const std::vector<Finding> findings = JudgeAbandoned(census.Report(Time()));
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].function, "afterleak::site_test::Drain");
}

// The functions from which something was armed, as a reader sees them.
std::vector<std::string> CallersOf(const Site& site) {
  std::vector<std::string> functions;
  for (const std::string& caller : PlaceOf(site).called_from)
    functions.push_back(caller.substr(caller.find(' ') + 1));
  return functions;
}

Site armed;

struct Price {
  int cents = 0;
  [[gnu::noinline]] bool operator<(const Price& other) const {
    armed = Site(std::source_location::current()).WithCallStack();
    return cents < other.cents;
  }
};
[[gnu::noinline]] void SortPrices() {
  Price prices[] = {{2}, {1}};
  std::sort(std::begin(prices), std::end(prices),
            [](const auto& a, const auto& b) { return a < b; });
  asm volatile("");
}

TEST(SitesByCallStack, DoNotShowHowTheCodeCameToRun) {
  const auto machinery = AnyOf(
      "", StartsWith("afterleak::internal::"), StartsWith("std::"), StartsWith("__gnu_cxx::"),
      StartsWith("__libc_"), "_start", "start_thread", StartsWith("clone3"), StartsWith("__clone"),
      StartsWith("operator()"), HasSubstr("insertion_sort"), StartsWith("_M_"));
  internal::PassOn(&SortPrices);
  EXPECT_THAT(CallersOf(armed), Each(Not(machinery)));
  EXPECT_THAT(CallersOf(armed), Contains(HasSubstr("SortPrices")));
  EXPECT_THAT(CallersOf(armed), Contains(HasSubstr("TestBody")));
  std::thread(&internal::PassOn, &SortPrices).join();
  EXPECT_THAT(CallersOf(armed), Each(Not(machinery)));
  EXPECT_THAT(CallersOf(armed), Contains(HasSubstr("SortPrices")));
  clone_session(&SortPrices);
  EXPECT_THAT(CallersOf(armed), Contains("clone_session")) << "a function of the program";
}

TEST(SitesByCallStack, ShowHeadersOfTheProgram) {
  const auto moved = std::source_location::current();
  EXPECT_THAT(PlaceOf(shop::Sell(moved)).called_from, Contains(HasSubstr("src/shop/shop.h:")));
}

TEST(SitesByCallStack, AreOneIfLineAndStackAre) {
  const auto line = std::source_location::current(), other = std::source_location::current();
  const auto at = [](const std::source_location& from) { return Site(from).WithCallStack(); };
  const Site sites[] = {at(line), at(line), at(other), line};
  EXPECT_FALSE(sites[0] == sites[1]) << "called from two places";
  EXPECT_FALSE(Site(line) == Site(other));
  EXPECT_FALSE(sites[0] == sites[3]) << "without a stack";
  EXPECT_TRUE(Site(sites[0]) == sites[0]);
}

TEST(SitesByCallStack, BeginAtTheProgramsFirstFunctionWhereTheLineIsOnNoStack) {
  const auto moved = std::source_location::current();
  EXPECT_EQ(PlaceOf(shop::Buy(moved)).line, moved.line());
  const std::vector<std::string> callers = CallersOf(shop::Buy(moved));
  ASSERT_THAT(callers, SizeIs(testing::Ge(2u)));
  EXPECT_EQ(callers[0], "shop::Buy") << "and Pay has the line";
  EXPECT_THAT(callers[1], HasSubstr("TestBody"));
}

// A function that arms, and takes no line: as those of event loops do.
[[gnu::noinline]] Site ArmsWithoutALine() {
  return Site(internal::CaptureCallStack(__builtin_return_address(0)));
}
[[gnu::noinline]] Site Request() {
  const Site site = ArmsWithoutALine();
  asm volatile("");
  return site;
}
constexpr int kRequestLine = __LINE__ - 4;

TEST(SitesWithoutALine, AreWhereTheFunctionThatArmsWasCalled) {
  const Place place = PlaceOf(Request());
  EXPECT_THAT(place.file, StartsWith("harness/afterleak/census/site_test.cc"));
  EXPECT_EQ(place.line, kRequestLine);
  EXPECT_THAT(place.function, HasSubstr("Request"));
  EXPECT_THAT(place.called_from.at(0), HasSubstr("TestBody"));
}

TEST(SitesWithoutALine, PassOverADeclaredWrapper) {
  const std::vector<std::string> wrappers{"afterleak::site_test::Request"};
  EXPECT_THAT(PlaceOf(Request(), wrappers).function, HasSubstr("TestBody"));
}

TEST(SitesWithoutALine, PassOverLibrariesBetweenTheProgramsOwnFrames) {
  static Site site;
  int numbers[] = {2, 1};
  std::qsort(numbers, 2, sizeof(int), [](const void*, const void*) {
    site = Request();
    return 0;
  });
  const Place place = PlaceOf(site);
  ASSERT_THAT(place.called_from.size(), testing::Ge(2u));
  EXPECT_THAT(place.called_from[0], HasSubstr("site_test.cc")) << "the lambda";
  EXPECT_THAT(place.called_from[1], HasSubstr("TestBody")) << "and not qsort";
}

// In files of other names: at the end of this one.
Site InHeaderOfTheProgram();
Site InHeaderOfALibrary();
Site InSourceInAFolderLikeALibrarys();
Site InTheMainThatChecks();

}  // namespace site_test

namespace loops {
[[gnu::noinline]] Site CheckLeftBehindAfter(Site (*work)()) {
  const Site site = work();
  asm volatile("");
  return site;
}
}  // namespace loops

namespace site_test {

TEST(SitesWithoutALine, PassOverHeadersOfLibrariesAndTheChecks) {
  const Place place = PlaceOf(loops::CheckLeftBehindAfter(&InTheMainThatChecks));
  EXPECT_THAT(place.function, HasSubstr("Request"));
  ASSERT_THAT(place.called_from, SizeIs(testing::Ge(3u)));
  EXPECT_THAT(place.called_from[0], HasSubstr("src/net/pool.h:"));
  EXPECT_THAT(place.called_from[1], HasSubstr("src/asio/server.cc:"));
  EXPECT_THAT(place.called_from[2], HasSubstr("TestBody"));
}

// A stack of one return address: the call ends right before it.
Site AtReturnAddress(std::uintptr_t address) {
  return Site(internal::KeepCallStack({&address, 1}));
}

TEST(SitesWithoutALine, AreInAModuleWhereNothingElseIsKnown) {
  const auto function = reinterpret_cast<std::uintptr_t>(&gnu_get_libc_version);
  Dl_info libc;
  ASSERT_NE(dladdr(reinterpret_cast<const void*>(function), &libc), 0);
  const std::string file = std::filesystem::path(libc.dli_fname).filename();
  const Place named = PlaceOf(AtReturnAddress(function + 1));
  EXPECT_EQ(named.file, file);
  EXPECT_THAT(named.function, HasSubstr("gnu_get_libc_version"));
  EXPECT_THAT(named.called_from, IsEmpty());
  const auto header = reinterpret_cast<std::uintptr_t>(libc.dli_fbase);
  const Place nameless = PlaceOf(AtReturnAddress(header + 0x11));
  EXPECT_EQ(nameless.file, file);
  EXPECT_EQ(nameless.function, "+0x10");
}

TEST(SitesWithoutALine, OfAFunctionThatIsNotKnownAreThatWhichCalledIt) {
  const auto caller = reinterpret_cast<std::uintptr_t>(&gnu_get_libc_version);
  const std::array<std::uintptr_t, 2> jumped = {internal::kSomeFunction, caller + 1};
  const Place place = PlaceOf(Site(internal::KeepCallStack(jumped)));
  EXPECT_EQ(place.file, PlaceOf(AtReturnAddress(caller + 1)).file);
  EXPECT_EQ(place.function, "called by " + PlaceOf(AtReturnAddress(caller + 1)).function);
}

TEST(SitesWithoutALine, OfALibraryHaveNoLineOfItsHeaders) {
  const auto function = reinterpret_cast<std::uintptr_t>(&InHeaderOfALibrary);
  const Place place = PlaceOf(AtReturnAddress(internal::BeginningOf(function)));
  EXPECT_THAT(place.function, HasSubstr("InHeaderOfALibrary"));
  EXPECT_EQ(place.line, 0u);
}

TEST(SitesWithoutALine, AndWithoutAStackAreNowhere) {
  for (const Place& place : {PlaceOf(Site(internal::KeepCallStack({}))),
                             PlaceOf(AtReturnAddress(internal::kSomeFunction))}) {
    EXPECT_EQ(place.file, "");
    EXPECT_EQ(place.line, 0u);
    EXPECT_EQ(place.function, "");
    EXPECT_THAT(place.called_from, IsEmpty());
  }
}

TEST(SitesWithoutALine, PassOverWhatWatchPreloads) {
  const Site site = ArmsWithoutALine();
  std::string folder = testing::TempDir() + "preloadedXXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  // This program by that name, and at the addresses where it is.
  const std::string preloaded = folder + "/libafterleak_watch.so";
  std::filesystem::create_symlink(std::filesystem::read_symlink("/proc/self/exe"), preloaded);
  std::uintptr_t bias = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* to) {
        *static_cast<std::uintptr_t*>(to) = info->dlpi_addr;
        return 1;  // the program is the first
      },
      &bias);
  internal::NameAddressesOf({{.path = preloaded, .bias = bias}});
  const Place place = PlaceOf(site);
  internal::NameAddressesOf({});
  std::filesystem::remove_all(folder);
  EXPECT_EQ(place.file, "libafterleak_watch.so") << "nothing else is there";
  EXPECT_THAT(place.function, HasSubstr("PassOverWhatWatchPreloads"));
  EXPECT_THAT(PlaceOf(site).file, HasSubstr("site_test.cc"));
}

TEST(SiteFits, AFileALineOrAFunction) {
  const auto fits = [](const char* site) {
    return SiteFits(site, "src/net/server.cc", 42, "net::Server::Run");
  };
  EXPECT_TRUE(fits("server.cc"));
  EXPECT_TRUE(fits("net/server.cc"));
  EXPECT_TRUE(fits("net/server.cc:42"));
  EXPECT_TRUE(fits("net::Server::Run"));
  EXPECT_TRUE(fits("net::Server::"));
  EXPECT_FALSE(fits("server.cc:41"));
  EXPECT_FALSE(fits("erver.cc"));
  EXPECT_FALSE(fits("net"));
  EXPECT_FALSE(fits("net::Server"));
}

TEST(ShortFunction, TellsTheWordOperatorFromALongerOne) {
  for (const char c : {'_', '0', '9', 'A', 'Z', 'a', 'z'}) {
    const std::string before = fmt::format("f{}operator", c);
    EXPECT_EQ(ShortFunction(fmt::format("void {}<int>(int)", before)), before);
    const std::string after = fmt::format("operator{}", c);
    EXPECT_EQ(ShortFunction(fmt::format("void {}<int>(int)", after)), after);
  }
  EXPECT_EQ(ShortFunction("foperator<int>(int)"), "foperator");
  EXPECT_EQ(ShortFunction("operator<(Host, Host)"), "operator<");
  EXPECT_EQ(ShortFunction("bool a::operator<"), "bool a::operator<") << "no parameters";
}

TEST(ShortFunction, LooksAtNothingAroundTheName) {
  EXPECT_EQ(ShortFunction(std::string_view("foperator<(int)").substr(1)), "operator<");
  EXPECT_EQ(ShortFunction(std::string_view("int f(int)").substr(0, 5)), "int f");
}

}  // namespace site_test
}  // namespace afterleak

// What follows has the names of other files, so it is the end of this one.
namespace afterleak::site_test {

#line 1 "src/net/pool.h"
[[gnu::noinline]] Site InHeaderOfTheProgram() {
  const Site site = Request();
  asm volatile("");
  return site;
}
#line 1 "/usr/include/boost/asio/io_context.hpp"
[[gnu::noinline]] Site InHeaderOfALibrary() {
  const Site site = InHeaderOfTheProgram();
  asm volatile("");
  return site;
}
#line 1 "src/asio/server.cc"
[[gnu::noinline]] Site InSourceInAFolderLikeALibrarys() {
  const Site site = InHeaderOfALibrary();
  asm volatile("");
  return site;
}
#line 1 "harness/afterleak/loops/main.cc"
[[gnu::noinline]] Site InTheMainThatChecks() {
  const Site site = InSourceInAFolderLikeALibrarys();
  asm volatile("");
  return site;
}

}  // namespace afterleak::site_test

namespace shop {
#line 1 "src/shop/shop.h"
[[gnu::noinline]] afterleak::Site Sell(const std::source_location& line) {
  const afterleak::Site site = Pay(line);
  asm volatile("");
  return site;
}
}  // namespace shop
