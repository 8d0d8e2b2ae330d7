// Two mirrors
//
// A page is asked from several mirrors at once, and the first that answers wins. All of them work
// under one context with a time limit; a mirror that sees its context done gives up.
//
// In Go this function would have begun with `ctx, _ := context.WithTimeout(...)`, and go vet would
// have said: "the cancel function is not used on all paths". C++ has no go vet.
//
// Answers come within a second, the limit is a minute. In the meantime, what does the mirror do
// that would have come second, and what does the context?
//
// The census has a word for what nobody can hear or cancel any more, "abandoned". What is it here
// that piles up?
//
// The promise:
//   Fetch asks all mirrors at once and takes the first answer: a page, or nothing if that is
//   empty. It returns nothing after `limit`. Each mirror works until its context is done, and that
//   is so as soon as its answer is of no more use.
#include "workshop/exercises.h"

namespace workshop {

std::optional<std::string> Fetch(const std::vector<Mirror>& mirrors, Duration limit) {
  const context::Context ctx = context::WithTimeout(context::Background(), limit).first;
  const auto answers = MakeChan<std::string>(mirrors.size());  // who comes late must not block
  for (const Mirror& mirror : mirrors) {
    Go([mirror, ctx, answers] { mirror(ctx, answers); });
  }
  std::string page;
  switch (Select({Recv(answers, &page),  // case page := <-answers:
                  Recv(ctx.Done())})) {  // case <-ctx.Done():
    case 0:
      if (page.empty()) return std::nullopt;
      return page;
    default:
      return std::nullopt;
  }
}

}  // namespace workshop
