// See loop_under_test.h.
#pragma once

#include <glib-unix.h>
#include <glib.h>

#include <functional>
#include <utility>
#include <vector>

#include "tests/support/loops/loop_under_test.h"

namespace afterleak::loops {

class Glib : public LoopUnderTest {
 public:
  Glib() : context_(g_main_context_new()), loop_(g_main_loop_new(context_, FALSE)) {}
  ~Glib() override {
    for (GSource* source : sources_) {
      g_source_destroy(source);
      g_source_unref(source);
    }
    g_main_loop_unref(loop_);
    g_main_context_unref(context_);
  }

  void Run() override { g_main_loop_run(loop_); }
  void Stop() override { g_main_loop_quit(loop_); }
  void Every(Duration period, std::function<void()> tick) override {
    Add(g_timeout_source_new(static_cast<guint>(period / std::chrono::milliseconds(1))),
        G_SOURCE_CONTINUE, std::move(tick));
  }
  void After(Duration delay, std::function<void()> then) override {
    last_ = Add(g_timeout_source_new(static_cast<guint>(delay / std::chrono::milliseconds(1))),
                G_SOURCE_REMOVE, std::move(then));
  }
  void Cancel() override {
    if (last_ == nullptr) return;
    g_source_destroy(last_);
    std::erase(sources_, last_);
    g_source_unref(std::exchange(last_, nullptr));  // or each turn walks over it
  }
  void OnReadable(int descriptor, std::function<void()> ready) override {
    GSource* const source = g_unix_fd_source_new(descriptor, G_IO_IN);
    const auto call = +[](gint, GIOCondition, gpointer data) { return Call(data); };
    Attach(source, G_SOURCE_FUNC(call), G_SOURCE_CONTINUE, std::move(ready));
  }
  void OnSignal(int signal, std::function<void()> caught) override {
    Add(g_unix_signal_source_new(signal), G_SOURCE_CONTINUE, std::move(caught));
  }

 private:
  struct Callback {
    std::function<void()> call;
    gboolean then;
  };
  static gboolean Call(gpointer data) {
    const auto* const callback = static_cast<Callback*>(data);
    callback->call();
    return callback->then;
  }
  GSource* Add(GSource* source, gboolean then, std::function<void()> callback) {
    return Attach(source, &Call, then, std::move(callback));
  }
  GSource* Attach(GSource* source, GSourceFunc call, gboolean then,
                  std::function<void()> callback) {
    g_source_set_callback(source, call, new Callback{std::move(callback), then},
                          [](gpointer data) { delete static_cast<Callback*>(data); });
    g_source_attach(source, context_);
    sources_.push_back(source);
    return source;
  }

  GMainContext* const context_;
  GMainLoop* const loop_;
  GSource* last_ = nullptr;
  std::vector<GSource*> sources_;
};

}  // namespace afterleak::loops
