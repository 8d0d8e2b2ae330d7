// What `afterleak watch --top` shows, and what its keys do: a table of the sites, one site with its
// call stack, or the help. A pure function of reports and keys; screen.h has the terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/screen.h"
#include "watch/report.h"

namespace cli {

class TopView {
 public:
  // From now on of this report. Nothing happens while it is paused.
  void Take(afterleak::watch::Report report);
  bool IsPaused() const { return paused_; }

  // False: the view is to end.
  bool Press(Key key);

  // A line for each row.
  std::vector<Line> Draw(Screen::Size size);

 private:
  enum class Page : std::uint8_t { kTable, kSite, kHelp };
  using Row = afterleak::watch::SiteRow;

  // A row of the next report is the same if this is.
  static std::string NameOf(const Row& row);

  void Sort();
  void PressInTable(Key key);
  void PressInText(Key key);
  void Move(std::ptrdiff_t by);
  std::size_t Selected() const;  // in order_; its size if none is
  std::vector<Line> Table(Screen::Size size);
  std::vector<Line> Title(std::size_t columns) const;
  Line LineOf(const Row& row, Screen::Size size) const;
  std::vector<Line> Text(Screen::Size size);
  std::vector<Line> SiteText(std::size_t columns) const;

  afterleak::watch::Report report_{};
  std::vector<const Row*> order_;  // those that are shown
  std::string selected_;           // its site
  bool chosen_ = false;            // by the user: it stays selected where it stands next
  Key sorted_by_ = 'w';
  bool reversed_ = false;
  bool paused_ = false;
  Page page_ = Page::kTable;
  std::size_t scrolled_ = 0;  // rows above those that are shown: of the table
  std::size_t scrolled_text_ = 0;
  std::size_t page_rows_ = 10;  // as last drawn
};

}  // namespace cli
