#include "afterleak/loops/loops.h"

#include <fmt/format.h>

#include <algorithm>

#include "afterleak/heap/heap.h"
#include "afterleak/loops/interpose.h"
#include "afterleak/loops/sources.h"
#include "afterleak/loops/timers.h"

namespace afterleak::loops {
namespace {

// Why the program's calls of the library do not come to us; empty if they do.
std::string WhyBlind(const internal::Source& source, const void* called) {
  const std::string_view name = ToString(source.library);
  if (source.linked != source.ours)
    return fmt::format("{} is linked statically; link its shared library", name);
  if (called != source.ours)
    return fmt::format(
        "{} was loaded at run time, and its calls do not come to the program; link {}"
        " to the program, or link the program with -rdynamic",
        name, name);
  if (!internal::IsKnown(source.library))
    return fmt::format("this version of {} is newer than what is known of it here", name);
  return {};
}

void Update() {
  for (const internal::Source& source : internal::Sources()) {
    if (source.update != nullptr) source.update();
  }
}

}  // namespace

CensusTotals Totals(Resource resource) {
  Update();
  return internal::Totals(resource);
}

CensusReport Report(Resource resource) {
  Update();
  const heap::Scope::Suspend suspend;
  return internal::Report(resource);
}

Inventory Alive() {
  const heap::Scope::Suspend suspend;
  Update();
  Inventory inventory;
  Take(internal::Report(Resource::kTimer), inventory);
  const std::size_t live = inventory.holdings.size();
  Take(internal::Report(Resource::kIdle), inventory);
  for (std::size_t i = live; i < inventory.holdings.size(); ++i)
    inventory.holdings[i].state = "idle: not armed, and neither closed nor freed";
  for (const internal::InUse& object : internal::ObjectsInUse()) {
    Holding& holding = inventory.holdings.emplace_back();
    static_cast<Place&>(holding) = PlaceOf(object.site, {}, object.kind);
    holding.kind = object.kind;
    holding.in_use = object.count;
  }
  return inventory;
}

void NextWindow() {
  Update();
  internal::NextWindow();
}

std::vector<Watch> Watched() {
  std::vector<Watch> watched;
  for (const internal::Source& source : internal::Sources()) {
    if (source.attach != nullptr) source.attach();
    if (source.used != nullptr && source.used()) watched.push_back({source.library});
    if (source.function == nullptr) continue;
    const void* const called = internal::FindLoaded(source.function);
    const void* const behind = internal::FindNext(source.function, nullptr);
    if (behind == nullptr && source.linked == source.ours) continue;  // not loaded
    watched.push_back({source.library, WhyBlind(source, called)});
  }
  return watched;
}

}  // namespace afterleak::loops
