// How `afterleak watch --top` looks.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "cli/top_columns.h"
#include "cli/top_view.h"

namespace cli {
namespace {

using namespace afterleak;
using watch::SiteRow;

constexpr std::size_t kWide = 110;  // columns from which on there are more of them
constexpr std::size_t kWord = 11;

constexpr std::string_view kHelp[] = {
    "Each row is a place in the program that arms timers.",
    "",
    "  Up, Down, PageUp, PageDown, Home, End    select a row, or scroll",
    "  Enter, Right         all of the selected row: its call stack, what the word",
    "                       rests on, the cure",
    "  Esc, Left            back",
    "  Space                pause, and go on",
    "  q                    end this view; the program goes on, and its report comes",
    "                       when it ends",
    "  Ctrl-C               reaches the program, as without this",
    "",
    "  Sort by",
    "    l  live            p  peak: the most at once",
    "    a  armed           f  fired",
    "    s  stopped         i  idle: neither armed nor freed",
    "    o  oldest          e  left until the last deadline",
    "    w  word            r  the other way round",
    "",
    "Words: leak, grows (not proven), not enough (evidence), no sign (never \"clean\").",
    "",
    "What the program writes to this terminal is held, its last 64 KiB, and shown when",
    "this view ends. It reads nothing from this terminal."};

std::string_view ShortWord(Word word) {
  switch (word) {
    case Word::kLeak:
      return "leak";
    case Word::kGrows:
      return "grows";
    case Word::kNotEnough:
      return "not enough";
    case Word::kNoSign:
      return "no sign";
  }
  return "";
}

Style StyleOf(Word word) {
  if (word == Word::kLeak) return Style::kRed;
  return word == Word::kGrows ? Style::kYellow : Style::kPlain;
}

// At most six characters.
std::string Compact(std::int64_t number) {
  if (number < 100'000) return fmt::to_string(number);
  constexpr std::string_view kUnits = "kMGTPE";
  double left = static_cast<double>(number) / 1000;
  std::size_t unit = 0;
  for (; left >= 999.95; left /= 1000) ++unit;
  return fmt::format("{:.{}f}{}", left, left < 99.95 ? 1 : 0, kUnits[unit]);
}

std::string Cell(const TopColumn& column, const SiteRow& row) {
  const std::int64_t value = column.value(row);
  std::string text = !column.duration ? Compact(value)
                     : value < 0 && row.live == 0
                         ? "-"
                         : watch::Short(Duration(std::max<std::int64_t>(value, 0)));
  return fmt::format("{:>{}}", text, column.width);
}

// Of "net/client.cc:31 net::Poll".
std::string WithoutFolder(const std::string& place) {
  const std::size_t slash = place.substr(0, place.find(' ')).rfind('/');
  return place.substr(slash + 1);  // of npos: all
}

std::string Where(const SiteRow& row) {
  if (row.file.empty()) return "?";
  const std::string file = row.file.substr(row.file.rfind('/') + 1);
  return row.line == 0 ? file : fmt::format("{}:{}", file, row.line);
}

// Broken where it is too wide.
void AddFolded(std::vector<Line>& lines, std::string_view text, std::size_t indent,
               std::size_t columns, Style style = Style::kPlain) {
  const std::size_t width = columns > indent + 20 ? columns - indent : 20;
  do {
    std::size_t end = std::min(text.size(), width);
    if (end < text.size()) {
      const std::size_t space = text.rfind(' ', end);
      if (space != std::string_view::npos && space > 0) end = space;
    }
    lines.push_back({std::string(indent, ' ') + std::string(text.substr(0, end)), style});
    text.remove_prefix(end);
    if (text.starts_with(' ')) text.remove_prefix(1);
  } while (!text.empty());
}

}  // namespace

std::vector<Line> TopView::Draw(Screen::Size size) {
  std::vector<Line> lines = page_ == Page::kTable ? Table(size) : Text(size);
  if (lines.size() > size.rows) lines.resize(size.rows);
  return lines;
}

std::vector<Line> TopView::Title(std::size_t columns) const {
  std::int64_t live = 0;
  for (const Row* row : order_) live += row->live;
  const std::string right =
      fmt::format("{}{}", paused_ ? "PAUSED  " : "", watch::Short(report_.watched));
  const std::size_t left = columns > right.size() + 1 ? columns - right.size() - 1 : 0;
  std::vector<Line> lines;
  lines.push_back({Fit("afterleak: " + report_.command, left) + " " + right, Style::kBold});
  const std::int64_t armed = report_.Armed();
  lines.push_back({armed == 0 ? std::string("no timer has been armed yet")
                              : fmt::format("{} timer{} armed at {} site{}, {} live", armed,
                                            armed == 1 ? "" : "s", order_.size(),
                                            order_.size() == 1 ? "" : "s", live)});
  if (!report_.remarks.empty())
    lines.push_back({"not seen: " + report_.remarks.front(), Style::kFaint});
  return lines;
}

Line TopView::LineOf(const Row& row, Screen::Size size) const {
  std::string text;
  for (const TopColumn& column : kTopColumns) {
    if (!column.only_wide || size.columns >= kWide) text += Cell(column, row);
  }
  text += fmt::format(" {:<{}}{} {}", ShortWord(row.word), kWord, Where(row), row.kind);
  if (size.columns >= kWide && row.line != 0) text += " in " + row.function;
  if (size.columns >= kWide && !row.called_from.empty())
    text += " from " + WithoutFolder(row.called_from.front());
  return {std::move(text), StyleOf(row.word), NameOf(row) == selected_};
}

std::vector<Line> TopView::Table(Screen::Size size) {
  std::vector<Line> lines = Title(size.columns);
  std::string header;
  for (const TopColumn& column : kTopColumns) {
    if (column.only_wide && size.columns < kWide) continue;
    const std::string name = fmt::format("{}{}", column.key == sorted_by_ ? "*" : "", column.name);
    header += fmt::format("{:>{}}", name, column.width);
  }
  header += fmt::format(" {:<{}}site", sorted_by_ == 'w' ? "*word" : "word", kWord);
  lines.push_back({std::move(header), Style::kPlain, true});

  const std::size_t taken = lines.size() + 1;
  page_rows_ = size.rows > taken ? size.rows - taken : 1;
  const std::size_t selected = Selected();
  if (selected < order_.size()) {
    if (selected < scrolled_) scrolled_ = selected;
    if (selected >= scrolled_ + page_rows_) scrolled_ = selected + 1 - page_rows_;
  }
  scrolled_ = std::min(scrolled_, order_.size() - std::min(order_.size(), page_rows_));
  for (std::size_t i = 0; i < page_rows_; ++i)
    lines.push_back(scrolled_ + i < order_.size() ? LineOf(*order_[scrolled_ + i], size) : Line{});
  lines.push_back(
      {"Enter stack  l p a f s i o e w sort  r reverse  Space pause  h help  q end view",
       Style::kFaint});
  return lines;
}

std::vector<Line> TopView::SiteText(std::size_t columns) const {
  std::vector<Line> lines;
  const std::size_t selected = Selected();
  if (selected == order_.size()) return {{"This site is not there any more.", Style::kPlain}};
  const Row& row = *order_[selected];
  AddFolded(lines,
            fmt::format("{} at {}{} {}", row.kind, row.file.empty() ? "?" : row.file,
                        row.line == 0 ? "" : fmt::format(":{}", row.line), row.function),
            0, columns, Style::kBold);
  for (const std::string& caller : row.called_from) AddFolded(lines, "from " + caller, 4, columns);
  lines.emplace_back();
  AddFolded(lines, std::string(ToString(row.word)), 0, columns, StyleOf(row.word));
  if (!row.evidence.empty()) AddFolded(lines, row.evidence, 4, columns);
  if (row.word == Word::kLeak && !row.cure.empty())
    AddFolded(lines, "cure: " + row.cure, 4, columns);
  lines.emplace_back();
  for (const TopColumn& column : kTopColumns) {
    const std::string value =
        column.duration ? Cell(column, row) : fmt::to_string(column.value(row));
    lines.push_back({fmt::format("{:>10} {:>12}", column.name, value)});
  }
  return lines;
}

std::vector<Line> TopView::Text(Screen::Size size) {
  std::vector<Line> text;
  if (page_ == Page::kSite) {
    text = SiteText(size.columns);
  } else {
    for (const std::string_view line : kHelp) text.push_back({std::string(line)});
  }
  std::vector<Line> lines;
  if (page_ == Page::kSite) lines = Title(size.columns);
  if (page_ == Page::kSite) lines.emplace_back();
  page_rows_ = size.rows > lines.size() + 1 ? size.rows - lines.size() - 1 : 1;
  scrolled_text_ = std::min(scrolled_text_, text.size() - std::min(text.size(), page_rows_));
  for (std::size_t i = 0; i < page_rows_; ++i)
    lines.push_back(scrolled_text_ + i < text.size() ? text[scrolled_text_ + i] : Line{});
  lines.push_back({"Esc back  Up Down scroll  q end view", Style::kFaint});
  return lines;
}

}  // namespace cli
