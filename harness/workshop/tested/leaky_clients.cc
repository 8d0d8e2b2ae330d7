#include "workshop/tested/clients.h"

namespace workshop::tested {
namespace {

class GoesOnAfterTheAnswer : public Calls {
 public:
  using Calls::Calls;
  void LetGo(const Call& call, How how) override {
    if (how != How::kAnswered) Close(call.limit);
  }
};

class StopsAndDoesNotClose : public Calls {
 public:
  using Calls::Calls;
  void LetGo(const Call& call, How how) override {
    how == How::kAnswered ? Stop(call.limit) : Close(call.limit);
  }
};

class ClosesAndDoesNotFree : public Calls {
 public:
  using Calls::Calls;
  void LetGo(const Call& call, How) override {
    uv_close(reinterpret_cast<uv_handle_t*>(&call.limit->handle), nullptr);
  }
};

class ForgetsWhatIsLate : public Calls {
 public:
  using Calls::Calls;
  void LetGo(const Call& call, How how) override {
    if (how != How::kLate) Close(call.limit);
  }
};

class ForgetsWhatIsOpen : public Calls {
 public:
  using Calls::Calls;
  void LetGo(const Call& call, How how) override {
    if (how != How::kDropped) Close(call.limit);
  }
};

class ArmsWhenItHasAsked : public Calls {
 public:
  using Calls::Calls;
  void Begin(const std::string& text, Done done) override {
    const int number = ++last_;
    open_[number] = {text, std::move(done), nullptr};
    Ask(number, text);
    Limit* const armed = Arm(number);
    if (open_.contains(number)) open_[number].limit = armed;
  }
};

class ByText : public Calls {
 public:
  using Calls::Calls;
  void Begin(const std::string& text, Done done) override {
    text_ = text;
    Calls::Begin(text, std::move(done));
  }
  Limit* Arm(int number) override { return limits_[text_] = Calls::Arm(number); }
  void LetGo(const Call& call, How) override {
    if (const auto found = limits_.extract(call.text)) Close(found.mapped());
  }

 private:
  std::string text_;
  std::map<std::string, Limit*> limits_;
};

class StopsHousekeeping : public Housekeeping {
 public:
  using Housekeeping::Housekeeping;
  void LetTheTickGo(Limit* tick) override { Stop(tick); }
};

class RemembersEveryCall : public Calls {
 public:
  using Calls::Calls;
  void Begin(const std::string& text, Done done) override {
    texts_.push_back(std::make_unique<std::string>(text));
    Calls::Begin(text, std::move(done));
  }

 private:
  std::vector<std::unique_ptr<std::string>> texts_;
};

class ClosesWhenItIsDropped : public Calls {
 public:
  using Calls::Calls;
  void LetGo(const Call& call, How) override {
    Stop(call.limit);
    over_.push_back(call.limit);
  }
  void Drop() override {
    Calls::Drop();
    for (Limit* const each : std::exchange(over_, {})) Close(each);
  }

 private:
  std::vector<Limit*> over_;
};

}  // namespace

std::vector<Tested> LeakyClients() {
  return {
      {"leaves a timer for each call that is answered", Choose<GoesOnAfterTheAnswer>},
      {"stops the timer of a call that is answered, and does not close it",
       Choose<StopsAndDoesNotClose>},
      {"closes each handle, and does not free it", Choose<ClosesAndDoesNotFree>},
      {"does not close the handle of a call that is late", Choose<ForgetsWhatIsLate>},
      {"leaves a timer for each call that is open when it is dropped", Choose<ForgetsWhatIsOpen>},
      {"leaves a timer for each call that is answered at once", Choose<ArmsWhenItHasAsked>},
      {"leaves a timer where two calls of the same text are open at once", Choose<ByText>},
      {"stops the timer for its housekeeping, and does not close it", Choose<StopsHousekeeping>},
      {"remembers every call until it is dropped", Choose<RemembersEveryCall>},
      {"closes the handles of all calls when it is dropped", Choose<ClosesWhenItIsDropped>},
  };
}

}  // namespace workshop::tested
