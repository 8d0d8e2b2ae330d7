#include "afterleak/census/site.h"

namespace afterleak {
namespace {

bool InName(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// True if the word "operator" is at `at`, and not within a longer word.
bool IsOperator(std::string_view pretty, std::size_t at) {
  constexpr std::string_view kOperator = "operator";
  return pretty.substr(at).starts_with(kOperator) && (at == 0 || !InName(pretty[at - 1])) &&
         at + kOperator.size() < pretty.size() && !InName(pretty[at + kOperator.size()]);
}

}  // namespace

std::string ShortFunction(std::string_view pretty) {
  constexpr std::string_view kAnonymous =
      "(anonymous namespace)";  // clang's; gcc writes {anonymous}
  std::string name;
  int nested = 0;
  for (std::size_t i = 0; i < pretty.size(); ++i) {
    const char c = pretty[i];
    if (c == '<' || c == '>') {
      nested += c == '<' ? 1 : -1;
    } else if (nested != 0) {
      continue;
    } else if (pretty.substr(i).starts_with(kAnonymous)) {
      name += kAnonymous;
      i += kAnonymous.size() - 1;
    } else if (IsOperator(pretty, i)) {
      // What follows is part of the name: operator<, operator(), operator bool.
      const std::size_t parameters =
          pretty.find('(', i + (pretty.substr(i).starts_with("operator()") ? 10 : 8));
      if (parameters == std::string_view::npos) break;
      return name.append(pretty.substr(i, parameters - i));
    } else if (c == '(') {
      // "main()::<lambda()>" is in main. Other parentheses, as in "(unnamed struct)::f()", do not
      // open a parameter list.
      return name.empty() || name.ends_with("::") ? std::string(pretty) : name;
    } else if (c == ' ' || c == '*' || c == '&') {
      name.clear();
    } else {
      name += c;
    }
  }
  return std::string(pretty);
}

}  // namespace afterleak
