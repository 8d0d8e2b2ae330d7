// What a report becomes for other programs. tests/watch_files_test.py has it read by them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "afterleak/census/call_stack.h"
#include "watch/openmetrics.h"
#include "watch/pprof.h"
#include "watch/trace.h"

namespace afterleak::watch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

SiteRow Row(Word word) {
  SiteRow row;
  row.file = "net/server.cc";
  row.line = 42;
  row.function = "net::Serve";
  row.called_from = {"main.cc:7 main"};
  row.kind = "event_add";
  row.live = 3;
  row.peak_live = 5;
  row.armed = 30;
  row.stopped = 27;
  row.oldest_age = 1500ms;
  row.word = word;
  return row;
}

Report WithRow(const SiteRow& row) {
  Report report{.command = "./server", .how = "still runs", .watched = 2s};
  report.sites.push_back(row);
  return report;
}

std::string Metrics(const SiteRow& row) {
  return ToOpenMetrics(WithRow(row), "api", 10s, std::chrono::system_clock::time_point(1000s));
}

TEST(OpenMetrics, HasOneWordOfASiteAndItsNumbers) {
  const std::string text = Metrics(Row(Word::kGrows));
  const std::string labels =
      R"({service="api",site="net/server.cc:42",function="net::Serve",kind="event_add",)"
      R"(called_from="main.cc:7 main")";
  EXPECT_THAT(text, HasSubstr("# TYPE afterleak_timers_armed_total counter\n"));
  EXPECT_THAT(text, HasSubstr("afterleak_timers_armed_total" + labels + "} 30\n"));
  EXPECT_THAT(text, HasSubstr("afterleak_timers_oldest_seconds" + labels + "} 1.5\n"));
  EXPECT_THAT(text, HasSubstr(labels + ",word=\"grows, not proven\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(labels + ",word=\"leak\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("afterleak_watch_period_seconds{service=\"api\"} 10\n"));
  EXPECT_THAT(text, HasSubstr("afterleak_watch_running{service=\"api\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("afterleak_watch_written_timestamp_seconds{service=\"api\"} 1000\n"));
}

TEST(OpenMetrics, LeavesOutWhatArmedNothing) {
  SiteRow row = Row(Word::kNotEnough);
  row.armed = 0;
  row.idle = row.peak_idle = 1;  // it is about to be armed, elsewhere
  EXPECT_THAT(Metrics(row), Not(HasSubstr("net/server.cc")));
  row.peak_idle = 2;
  EXPECT_THAT(Metrics(row), HasSubstr("net/server.cc"));
}

TEST(OpenMetrics, EscapesWhatALabelMayNotHave) {
  SiteRow row = Row(Word::kLeak);
  row.line = 0;
  row.file = "a \"b\"\\\n\xff";
  EXPECT_THAT(Metrics(row), HasSubstr(R"(site="a \"b\"\\\n)"
                                      "\xef\xbf\xbd\""));
}

TEST(Trace, MarksWhereTheWordOfASiteIsAnother) {
  Trace trace;
  trace.Text(WithRow(Row(Word::kNotEnough)));
  trace.Text(WithRow(Row(Word::kNotEnough)));
  const std::string text = trace.Text(WithRow(Row(Word::kLeak)));
  const std::string at = ": event_add at net/server.cc:42 net::Serve < main.cc:7 main\"";
  EXPECT_THAT(text, HasSubstr("\"not enough evidence" + at));
  EXPECT_THAT(text, HasSubstr("\"leak" + at));
  EXPECT_EQ(text.find("not enough evidence"), text.rfind("not enough evidence"));
}

TEST(Trace, HasTheWindowsOfASite) {
  SiteRow row = Row(Word::kLeak);
  row.window_live = {1, 3};
  row.window_peaks = {2, 5};
  Report report = WithRow(row);
  report.samples = {{.at = Time(1s), .live = 1}, {.at = Time(2s), .live = 3}};
  const std::string text = Trace().Text(report);
  EXPECT_THAT(text, HasSubstr(R"("ts":1000000.0,"args":{"live":1,"peak":2})"));
  EXPECT_THAT(text, HasSubstr(R"("ts":2000000.0,"args":{"live":3,"peak":5})"));
}

TEST(JsonStream, IsOneDocumentHoweverManyReportsThereWere) {
  const Report report = WithRow(Row(Word::kLeak));
  const auto parsed = [](const std::string& text) { return nlohmann::json::parse(text); };
  EXPECT_EQ(JsonStream().End(report), ToJson(report));
  for (const std::size_t reports : {1, 3}) {
    JsonStream stream;
    std::string text;
    for (std::size_t i = 0; i < reports; ++i) text += stream.Next(report);
    text += stream.End(report);
    nlohmann::json document = parsed(text);
    EXPECT_EQ(document["stream"].size(), reports);
    EXPECT_EQ(document["stream"].back()["sites"][0]["word"], "leak");
    document.erase("stream");
    EXPECT_EQ(document, parsed(ToJson(report)));
  }
}

std::string Gunzipped(const std::string& bytes) {
  z_stream stream = {};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string out(1 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

TEST(Pprof, NamesTheStackOfASample) {
  const auto frames = internal::CaptureCallStack().frames;
  Report report = WithRow(Row(Word::kLeak));
  report.stacks.push_back({.frames = {frames.begin(), frames.end()}, .kind = "event_add"});
  const std::string profile =
      Gunzipped(ToPprof(report, std::chrono::system_clock::time_point(1000s)));
  EXPECT_THAT(profile, HasSubstr("event_add"));
  EXPECT_THAT(profile, HasSubstr("TestBody"));
  EXPECT_THAT(profile, HasSubstr("formats_test.cc"));
}

TEST(Pprof, OfNothingIsAProfileToo) { EXPECT_THAT(Gunzipped(ToPprof({}, {})), HasSubstr("armed")); }

}  // namespace
}  // namespace afterleak::watch
