// curl's multi interface on libuv: curl says which sockets to wait for and until when, and the
// loop tells it. Fetches URL0, URL1, ... until there are as many as asked for, a few at a time,
// each with a time limit. Says how many came and their bytes.
//
//   watched_curl URL COUNT AT_ONCE
#include <curl/curl.h>
#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

namespace {

// One socket that curl waits for.
struct Socket {
  uv_poll_t poll;
  curl_socket_t fd;
};

class Fetcher {
 public:
  Fetcher(std::string url, int count) : url_(std::move(url)), left_(count) {
    uv_timer_init(uv_default_loop(), &timer_);
    timer_.data = this;
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Fetcher::OnSocketWanted);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Fetcher::OnTimerWanted);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  }

  void Run(int at_once) {
    for (int i = 0; i < at_once; ++i) Next();
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
    curl_multi_cleanup(multi_);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    std::cout << fetched_ << " fetched, " << bytes_ << " bytes\n";
  }

 private:
  void Next() {
    if (left_ == 0) return;
    CURL* const easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, (url_ + std::to_string(--left_)).c_str());
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 600'000L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Fetcher::OnData);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
    curl_multi_add_handle(multi_, easy);
  }

  void Act(curl_socket_t fd, int flags) {
    int running = 0;
    curl_multi_socket_action(multi_, fd, flags, &running);
    int queued = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi_, &queued)) {
      if (message->msg != CURLMSG_DONE) continue;
      if (message->data.result == CURLE_OK) ++fetched_;
      CURL* const easy = message->easy_handle;
      curl_multi_remove_handle(multi_, easy);
      curl_easy_cleanup(easy);
      Next();
    }
  }

  static std::size_t OnData(char*, std::size_t size, std::size_t count, void* self) {
    static_cast<Fetcher*>(self)->bytes_ += size * count;
    return size * count;
  }

  // NOLINTNEXTLINE(google-runtime-int): curl's
  static int OnTimerWanted(CURLM*, long milliseconds, void* self) {
    uv_timer_t& timer = static_cast<Fetcher*>(self)->timer_;
    if (milliseconds < 0) return uv_timer_stop(&timer);
    return uv_timer_start(
        &timer,
        [](uv_timer_t* due) { static_cast<Fetcher*>(due->data)->Act(CURL_SOCKET_TIMEOUT, 0); },
        static_cast<std::uint64_t>(milliseconds), 0);
  }

  static int OnSocketWanted(CURL*, curl_socket_t fd, int what, void* self, void* known) {
    auto* socket = static_cast<Socket*>(known);
    Fetcher& fetcher = *static_cast<Fetcher*>(self);
    if (what == CURL_POLL_REMOVE) {
      if (socket == nullptr) return 0;
      uv_poll_stop(&socket->poll);
      curl_multi_assign(fetcher.multi_, fd, nullptr);
      uv_close(reinterpret_cast<uv_handle_t*>(&socket->poll), [](uv_handle_t* closed) {
        std::unique_ptr<Socket>(reinterpret_cast<Socket*>(closed));
      });
      return 0;
    }
    if (socket == nullptr) {
      socket = std::make_unique<Socket>().release();
      socket->fd = fd;
      uv_poll_init_socket(uv_default_loop(), &socket->poll, fd);
      socket->poll.data = self;
      curl_multi_assign(fetcher.multi_, fd, socket);
    }
    const int events = ((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) |
                       ((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0);
    return uv_poll_start(&socket->poll, events, [](uv_poll_t* ready, int, int seen) {
      const int flags = ((seen & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0) |
                        ((seen & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0);
      static_cast<Fetcher*>(ready->data)->Act(reinterpret_cast<Socket*>(ready)->fd, flags);
    });
  }

  std::string url_;
  int left_;
  int fetched_ = 0;
  std::size_t bytes_ = 0;
  CURLM* multi_ = curl_multi_init();
  uv_timer_t timer_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  Fetcher(argv[1], std::atoi(argv[2])).Run(std::atoi(argv[3]));
  curl_global_cleanup();
}
