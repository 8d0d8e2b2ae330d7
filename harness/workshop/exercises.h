// What the exercises define and their checks call. The promise of each is at the top of its file.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "afterleak/afterleak.h"

namespace workshop {

using namespace afterleak;
using namespace std::chrono_literals;

// 01_relay
int Relay(Chan<std::string> readings, Chan<std::string> out, Duration quiet, Duration shift);

// 02_first_quote
std::optional<int> FirstQuote(Chan<int> local, Chan<int> distant, Duration polite,
                              Duration patience, const std::function<void()>& remind);

// 03_backup
struct Backup {
  int blocks = 0;
  std::optional<os::Signal> ended_by;
};
Backup RunBackup(Chan<int> blocks, Chan<os::Signal> signals, Duration window);

// 04_reload
bool WaitForReload(Duration limit);

// 05_download
struct Chunk {
  int bytes = 0;
  bool broken = false;
};
std::optional<int> Download(Chan<Chunk> chunks, Duration period,
                            const std::function<void(int)>& report);

// 06_reminder
void Remind(Chan<std::string> bell, std::string text, Duration delay);
enum class Verdict { kUndecided, kLeak, kNoLeak };
Verdict YourVerdict();
int YourBound();

// 07_mirrors
using Mirror = std::function<void(context::Context, Chan<std::string> answers)>;
std::optional<std::string> Fetch(const std::vector<Mirror>& mirrors, Duration limit);

// 08_idle_line
int ServeLine(Chan<std::string> line, Duration idle,
              const std::function<void(const std::string&)>& handle,
              const std::function<void()>& ping);

// 09_cache
class Cache {
 public:
  virtual ~Cache() = default;
  virtual void Put(const std::string& key, std::string value, Duration ttl) = 0;
  virtual std::optional<std::string> Get(const std::string& key) const = 0;
  virtual void Erase(const std::string& key) = 0;
};
std::unique_ptr<Cache> NewCache();

// 10_session
class Session {
 public:
  virtual ~Session() = default;
  virtual void Touch() = 0;
};
std::shared_ptr<Session> OpenSession(std::string name, Duration idle,
                                     std::function<void(const std::string&)> on_idle);

// 11_your_test
struct Order {
  std::string text;
  Chan<std::string> answer;  // has room for one
};
// Blocks until it has the answer; when ctx is done, it returns "" at once.
using Backend = std::function<std::string(context::Context ctx, std::string text)>;
void Serve(Chan<Order> orders, const Backend& backend, Duration limit);

// 16_search
using NextLine = std::function<std::optional<std::string>()>;  // nothing: that was the last one
std::optional<std::string> Find(const NextLine& next,
                                const std::function<bool(const std::string&)>& wanted,
                                Duration limit);

}  // namespace workshop
