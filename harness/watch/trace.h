// A report on a time axis.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "watch/report.h"

namespace afterleak::watch {

// For ui.perfetto.dev and chrome://tracing (stage/trace_events.h). The program is a process of the
// trace. A counter for each site, and one for all: how many were live at the end of each window,
// and the most within it. A mark wherever the judge had another word for a site.
class Trace {
 public:
  // The trace so far. The words are compared with those of the report before.
  std::string Text(const Report& report);

 private:
  struct Told {
    Time at;
    std::string word;  // of which site
    std::string evidence;
  };
  std::map<std::string, Word> words_;  // by site
  std::vector<Told> told_;
};

}  // namespace afterleak::watch
