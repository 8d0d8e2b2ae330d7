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
  for (const File& file : files_) try {
      if (file.rewritable) OutputFile(file.flag, file.path).Write(file.text(report));
    } catch (const std::exception& error) {
      if (!std::exchange(complained_, true)) Complain(error.what());
    }
}

void WatchFiles::Write(const watch::Report& report) {
  std::exception_ptr first;
  for (const File& file : files_) try {
      OutputFile(file.flag, file.path).Write(file.text(report));
    } catch (const FileError&) {
      if (!first) first = std::current_exception();
    }
  if (first) std::rethrow_exception(first);
}

}  // namespace cli
