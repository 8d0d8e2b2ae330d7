#include "cli/watch_files.h"

#include <chrono>
#include <deque>
#include <exception>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "cli/watch.h"
#include "stage/findings.h"
#include "watch/openmetrics.h"
#include "watch/pprof.h"
#include "watch/trace.h"

namespace cli {

using namespace afterleak;

namespace {

std::vector<Finding> FindingsOfAll(const watch::Report& report) {
  std::vector<Finding> all = report.findings;
  for (const watch::Report& child : report.children)
    all.insert(all.end(), child.findings.begin(), child.findings.end());
  return all;
}

}  // namespace

WatchFiles::WatchFiles(const WatchArguments& arguments, Duration period) {
  std::deque<OutputFile> opened;
  const auto add = [&](const char* flag, const std::optional<std::string>& path, auto text) {
    if (!path) return;
    const OutputFile& file = opened.emplace_back(flag, *path);
    if (file.IsStdout())
      throw std::invalid_argument("standard output is that of the program; name a file");
    for (const OutputFile& other : opened) {
      if (&other != &file) other.RefuseSame(file);
    }
    files_.push_back({flag, *path, std::move(text), file.IsRewritable()});
  };
  add("--json", arguments.json, [](const watch::Report& report) { return ToJson(report); });
  if (!files_.empty() && !files_.front().rewritable) {
    streamed_.emplace("--json", *arguments.json);
    files_.clear();
  }
  add("--csv", arguments.csv, [](const watch::Report& report) { return ToCsv(report); });
  add("--sarif", arguments.sarif,
      [](const watch::Report& report) { return ToSarif(FindingsOfAll(report)); });
  const std::string service = std::filesystem::path(arguments.openmetrics.value_or("")).stem();
  add("--openmetrics", arguments.openmetrics, [service, period](const watch::Report& report) {
    return ToOpenMetrics(report, service, period, std::chrono::system_clock::now());
  });
  add("--pprof", arguments.pprof, [](const watch::Report& report) {
    return ToPprof(report, std::chrono::system_clock::now());
  });
  add("--trace", arguments.trace,
      [trace = watch::Trace()](const watch::Report& report) mutable { return trace.Text(report); });
}

void WatchFiles::WriteInBetween(const watch::Report& report) noexcept {
  const auto write = [this](const auto& one) noexcept {
    try {
      one();
    } catch (const std::exception& error) {
      if (!std::exchange(complained_, true)) Complain(error.what());
    }
  };
  if (streamed_) write([&] { streamed_->WriteAhead(stream_.Next(report)); });
  for (const File& file : files_) {
    if (file.rewritable) write([&] { OutputFile(file.flag, file.path).Write(file.text(report)); });
  }
}

void WatchFiles::Write(const watch::Report& report) {
  std::exception_ptr first;
  const auto write = [&first](const auto& one) {
    try {
      one();
    } catch (const FileError&) {
      if (!first) first = std::current_exception();
    }
  };
  if (streamed_) write([&] { streamed_->Write(stream_.End(report)); });
  for (const File& file : files_)
    write([&] { OutputFile(file.flag, file.path).Write(file.text(report)); });
  if (first) std::rethrow_exception(first);
}

}  // namespace cli
