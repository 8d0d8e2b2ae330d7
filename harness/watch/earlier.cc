#include "watch/earlier.h"

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace afterleak::watch {

using Json = nlohmann::json;

Earlier ReadEarlier(std::string_view json) {
  Earlier earlier;
  try {
    const Json all = Json::parse(json);
    if (all.at("schema_version") != 1) throw std::invalid_argument("its schema_version is not 1");
    earlier.timers.totals.peak_live = all.at("peak").get<std::int64_t>();
    earlier.idle.totals.peak_live = all.at("peak_idle").get<std::int64_t>();
    for (const Json& row : all.at("sites")) {
      SiteReport site;
      site.kind = row.at("kind").get<std::string>();
      site.file = row.at("file").get<std::string>();
      site.line = row.at("line").get<std::uint32_t>();
      site.function = row.at("function").get<std::string>();
      site.called_from = row.at("called_from").get<std::vector<std::string>>();
      site.peak_live = row.at("peak_idle").get<std::int64_t>();
      earlier.idle.sites.push_back(site);
      site.peak_live = row.at("peak").get<std::int64_t>();
      earlier.timers.sites.push_back(site);
    }
  } catch (const Json::exception&) {
    throw std::invalid_argument("it is not what --json writes");
  }
  return earlier;
}

}  // namespace afterleak::watch
