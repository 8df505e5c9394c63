// Lineage for people, and for Graphviz.
#include <map>
#include <set>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/views/lineage_view.h"

namespace penstock::views {
namespace {

class Indented {
 public:
  explicit Indented(const Json& lineage) {
    for (const Json& node : lineage.at("nodes")) nodes_[node.at("id")] = &node;
    for (const Json& edge : lineage.at("edges")) {
      into_[edge[1]].push_back(edge[0]);
      used_.insert(edge[0].get<std::string>());
    }
  }

  // From what nothing else uses down to what nothing made.
  [[nodiscard]] std::string Text() {
    for (const auto& [id, node] : nodes_)
      if (!used_.contains(id)) Write(id, 0);
    for (const auto& [id, node] : nodes_)
      if (!written_.contains(id)) Write(id, 0);
    return text_;
  }

 private:
  void Write(const std::string& id, int depth) {
    const Json& node = *nodes_.at(id);
    const bool again = !written_.insert(id).second;
    const auto above = into_.find(id);
    text_ += std::string(static_cast<std::size_t>(depth) * 2, ' ') + Line(node) +
             (again && above != into_.end() ? "  (above)" : "") + "\n";
    if (again || above == into_.end()) return;
    for (const std::string& from : above->second) Write(from, depth + 1);
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
  std::map<std::string, std::vector<std::string>> into_;
  std::set<std::string> used_, written_;
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
  static const std::map<std::string, const char*> kShapes{{"file", "note"},
                                                          {"artifact", "ellipse"},
                                                          {"step", "box"},
                                                          {"model", "component"},
                                                          {"deployment", "cds"}};
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
