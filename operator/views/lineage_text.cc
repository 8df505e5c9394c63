// Lineage for people, and for Graphviz.
#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/views/lineage_view.h"

namespace penstock::views {
namespace {

class Indented {
 public:
  explicit Indented(const Json& lineage) {
    for (const Json& node : lineage.at("nodes")) {
      order_.push_back(node.at("id"));
      nodes_[order_.back()] = &node;
    }
    for (const Json& edge : lineage.at("edges")) {
      made_of_[edge[1]].push_back(edge[0]);
      made_into_[edge[0]].push_back(edge[1]);
    }
  }

  [[nodiscard]] std::string Text() {
    if (order_.empty()) return "";
    const std::string& asked = order_.front();
    Write(asked, 0, made_of_);
    if (made_into_.contains(asked)) {
      if (made_of_.contains(asked)) text_ += "made of it:\n";
      for (const std::string& next : made_into_.at(asked)) Write(next, 1, made_into_);
    }
    for (const std::string& id : order_)  // other versions of a name, and what they were made of
      if (!written_.contains(id) && !IsUsedByUnwritten(id)) Write(id, 0, made_of_);
    for (const std::string& id : order_)
      if (!written_.contains(id)) Write(id, 0, made_of_);
    return text_;
  }

 private:
  using Next = std::map<std::string, std::vector<std::string>>;

  [[nodiscard]] bool IsUsedByUnwritten(const std::string& id) const {
    const auto users = made_into_.find(id);
    return users != made_into_.end() &&
           std::any_of(users->second.begin(), users->second.end(),
                       [&](const std::string& user) { return !written_.contains(user); });
  }

  void Write(const std::string& id, int depth, const Next& next) {
    const Json& node = *nodes_.at(id);
    const bool again = !written_.insert(id).second;
    const auto more = next.find(id);
    text_ += std::string(static_cast<std::size_t>(depth) * 2, ' ') + Line(node) +
             (again && more != next.end() ? "  (above)" : "") + "\n";
    if (again || more == next.end()) return;
    for (const std::string& other : more->second) Write(other, depth + 1, next);
  }

  static std::string Line(const Json& node) {
    const std::string kind = node.at("kind");
    std::string line = kind + " " + plan::Shown(node.at("label").get<std::string>(), 200);
    if (kind == "artifact") line = node.value("type", "artifact") + " " + node.value("digest", "");
    if (kind == "file" && node.contains("digest")) line += "  " + node.value("digest", "");
    if (node.contains("component")) line += "  (" + node.value("component", "") + ")";
    return plan::Shown(line);  // a fingerprint is what a server elsewhere said
  }

  std::map<std::string, const Json*> nodes_;
  std::vector<std::string> order_;  // what was asked for stands first
  Next made_of_, made_into_;
  std::set<std::string> written_;
  std::string text_;
};

std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : plan::Shown(text, 200)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace

std::string LineageText(const Json& lineage) {
  std::string text = Indented(lineage).Text();
  if (lineage.value("cut", false)) text += "... there is more: ask with another --depth\n";
  return text;
}

std::string LineageDot(const Json& lineage) {
  static const std::map<std::string, const char*> kShapes{
      {"file", "note"},       {"artifact", "ellipse"}, {"step", "box"},
      {"model", "component"}, {"deployment", "cds"},   {"request", "plain"}};
  std::string dot = "digraph lineage {\n  rankdir=LR;\n";
  std::map<std::string, std::string> names;  // what graphviz calls a node
  for (const Json& node : lineage.at("nodes")) {
    const std::string& name = names[node.at("id")] = "n" + std::to_string(names.size());
    dot += "  " + name + " [label=" + Quoted(node.at("label")) +
           ", shape=" + kShapes.at(node.at("kind")) + "];\n";
  }
  for (const Json& edge : lineage.at("edges"))
    dot += "  " + names.at(edge[0]) + " -> " + names.at(edge[1]) + ";\n";
  return dot + "}\n";
}

}  // namespace penstock::views
