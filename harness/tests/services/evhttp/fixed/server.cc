// On libevent's evhttp. Each lookup has a timer that limits it, and one that tries again.
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/thread.h>
#include <netinet/in.h>
#include <sys/time.h>

#include <unordered_map>
#include <utility>

#include "tests/services/service.h"

namespace fixed {
namespace {

struct Free {
  void operator()(event* made) const { event_free(made); }
  void operator()(evhttp* made) const { evhttp_free(made); }
  void operator()(event_base* made) const { event_base_free(made); }
};
template <typename Made>
using Owner = std::unique_ptr<Made, Free>;

void Start(const Owner<event>& timer, std::chrono::microseconds span) {
  const timeval time = {.tv_sec = span.count() / 1'000'000, .tv_usec = span.count() % 1'000'000};
  evtimer_add(timer.get(), &time);
}

class Lookup;
using Lookups = std::unordered_map<Lookup*, std::unique_ptr<Lookup>>;

// What is looked up for a request.
class Lookup {
 public:
  Lookup(event_base* loop, evhttp_request* request, const services::Store& store, Lookups& lookups)
      : request_(request),
        store_(store),
        lookups_(lookups),
        limit_(Timer<&Lookup::TimedOut>(loop)),
        retry_(Timer<&Lookup::LookUp>(loop)) {
    evhttp_connection_set_closecb(
        evhttp_request_get_connection(request_),
        [](evhttp_connection*, void* lookup) { static_cast<Lookup*>(lookup)->HungUp(); }, this);
  }
  ~Lookup() { Release(); }
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  void Begin() {
    Start(limit_, services::kAnswersWithin);
    LookUp();
  }

 private:
  template <void (Lookup::*then)()>
  Owner<event> Timer(event_base* loop) {
    return Owner<event>(evtimer_new(
        loop, [](auto, auto, void* lookup) { (static_cast<Lookup*>(lookup)->*then)(); }, this));
  }

  void LookUp() {
    if (const auto found = store_(evhttp_request_get_uri(request_)))
      return Answer(HTTP_OK, "OK", *found);
    Start(retry_, services::kPause);
  }

  void Answer(int code, const char* reason, const std::string& body) {
    evhttp_request* const request = Release();
    evbuffer_add(evhttp_request_get_output_buffer(request), body.data(), body.size());
    evhttp_send_reply(request, code, reason, nullptr);
    lookups_.erase(this);
  }

  void TimedOut() { Answer(HTTP_SERVUNAVAIL, "Busy", "try again later\n"); }

  // The request goes with its connection.
  void HungUp() { lookups_.erase(this); }

  evhttp_request* Release() {
    if (request_ != nullptr)
      evhttp_connection_set_closecb(evhttp_request_get_connection(request_), nullptr, nullptr);
    return std::exchange(request_, nullptr);
  }

  evhttp_request* request_;  // null once it is answered
  const services::Store& store_;
  Lookups& lookups_;
  const Owner<event> limit_;
  const Owner<event> retry_;
};

class Server : public services::Service {
 public:
  explicit Server(services::Store store) : store_(std::move(store)) {
    evhttp_set_timeout(http_.get(), static_cast<int>(services::kKeepsOpenFor.count()));
    evhttp_set_gencb(
        http_.get(),
        [](evhttp_request* request, void* server) { static_cast<Server*>(server)->Begin(request); },
        this);
  }

  std::uint16_t port() const override {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(evhttp_bound_socket_get_fd(socket_), reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  }
  void Run() override { event_base_loop(loop_.get(), EVLOOP_NO_EXIT_ON_EMPTY); }
  void Stop() override { event_base_loopbreak(loop_.get()); }

 private:
  static event_base* NewLoop() {
    evthread_use_pthreads();  // Stop comes from another thread
    return event_base_new();
  }
  void Begin(evhttp_request* request) {
    auto lookup = std::make_unique<Lookup>(loop_.get(), request, store_, lookups_);
    Lookup* const begun = lookup.get();
    lookups_.emplace(begun, std::move(lookup));
    begun->Begin();
  }

  const services::Store store_;
  const Owner<event_base> loop_{NewLoop()};
  const Owner<evhttp> http_{evhttp_new(loop_.get())};
  evhttp_bound_socket* const socket_ = evhttp_bind_socket_with_handle(http_.get(), "127.0.0.1", 0);
  Lookups lookups_;
};

}  // namespace

std::unique_ptr<services::Service> MakeServer(services::Store store) {
  return std::make_unique<Server>(std::move(store));
}

}  // namespace fixed
