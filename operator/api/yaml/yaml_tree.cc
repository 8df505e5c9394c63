#include "operator/api/yaml/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <sstream>
#include <utility>

namespace penstock::api {
namespace {

using NodePtr = std::shared_ptr<YamlNode>;

struct TreeError {
  int line;
  std::string message;
};

int Line(const YAML::Mark& mark) { return mark.line + 1; }

class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(const std::string& text) {
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines_.push_back(line);
  }

  std::vector<std::shared_ptr<const YamlNode>> documents;

  void OnDocumentStart(const YAML::Mark& mark) override {
    // yaml-cpp takes what is left over after a document for a new one.
    if (seen_any_ && !BeginsDocument(mark))
      throw TreeError{Line(mark),
                      "this does not belong to what stands above it; look at the indentation"};
    seen_any_ = true;

    anchor_nodes_.clear();
  }
  void OnDocumentEnd() override {
    if (root_ != nullptr) documents.push_back(root_);
    root_.reset();
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    NodePtr node = Make(YamlNode::kScalar, mark, "?", anchor);
    node->plain = true;
    Add(node);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto it = anchor_nodes_.find(anchor);
    if (it == anchor_nodes_.end()) throw TreeError{Line(mark), "the alias has no anchor"};
    for (const auto& open : open_)
      if (open == it->second) throw TreeError{Line(mark), "the anchor's value contains itself"};
    Add(it->second);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    NodePtr node = Make(YamlNode::kScalar, mark, tag, anchor);
    node->plain = tag == "?";
    node->text = value;
    Add(node);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(Make(YamlNode::kSequence, mark, tag, anchor));
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(Make(YamlNode::kMapping, mark, tag, anchor));
  }
  void OnMapEnd() override { Close(); }

 private:
  [[nodiscard]] bool BeginsDocument(const YAML::Mark& mark) const {
    const auto line = static_cast<std::size_t>(mark.line);
    return line < lines_.size() && lines_[line].rfind("---", 0) == 0;
  }

  NodePtr Make(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
               YAML::anchor_t anchor) {
    auto node = std::make_shared<YamlNode>();
    node->kind = kind;
    node->line = Line(mark);
    node->tag = tag;
    if (anchor != 0) anchor_nodes_[anchor] = node;
    return node;
  }

  void Open(const NodePtr& node) {
    if (open_.size() >= kMaxYamlDepth) throw TreeError{node->line, "nested deeper than 256 levels"};
    Add(node);
    open_.push_back(node);
    keys_.emplace_back();
  }
  void Close() {
    open_.pop_back();
    keys_.pop_back();
  }

  void Add(const NodePtr& node) {
    if (open_.empty()) {
      root_ = node;
      return;
    }
    YamlNode& parent = *open_.back();
    if (parent.kind == YamlNode::kSequence) {
      parent.items.push_back(node);
    } else if (keys_.back() == nullptr) {
      keys_.back() = node;
    } else {
      parent.entries.emplace_back(std::move(keys_.back()), node);
      keys_.back() = nullptr;
    }
  }

  std::vector<std::string> lines_;
  bool seen_any_ = false;
  NodePtr root_;
  std::vector<NodePtr> open_;
  std::vector<NodePtr> keys_;  // of an open mapping: the key that waits for its value
  std::map<YAML::anchor_t, NodePtr> anchor_nodes_;
};

Error AtLine(int line, const std::string& message) {
  return Invalid("line " + std::to_string(line) + ": " + message);
}

// A reference with brackets that may stand unquoted in {...} or [...], where YAML ends a text at
// them.
bool HasBareBrackets(const std::string& line) {
  for (std::size_t at = line.find("$("); at != line.npos; at = line.find("$(", at + 1)) {
    const std::size_t end = line.find(')', at);
    if (line.find('[', at) < end) return true;
  }
  return false;
}

// yaml-cpp allows tabs where YAML does not: as indentation.
std::string WithAdvice(const YAML::Exception& e, const std::string& text) {
  std::istringstream in(text);
  std::string line, before;
  for (int n = 0; n <= e.mark.line && in.good(); ++n) {
    before = std::exchange(line, "");
    std::getline(in, line);
  }
  const std::size_t first = line.find_first_not_of(' ');
  if (first != std::string::npos && line[first] == '\t')
    return "a tab stands in the indentation; use spaces";
  if (HasBareBrackets(line) || HasBareBrackets(before))
    return e.msg +
           "; within {...} and [...] a text with brackets stands in quotes, as in {a: "
           "\"$(parameters.x[0])\"}";
  return e.msg;
}

}  // namespace

Result<std::vector<std::shared_ptr<const YamlNode>>> ParseYaml(const std::string& text) {
  try {
    TreeBuilder builder(text);
    std::istringstream in(text);
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
    return std::move(builder.documents);
  } catch (const TreeError& e) {
    return AtLine(e.line, e.message);
  } catch (const YAML::Exception& e) {
    return AtLine(Line(e.mark), WithAdvice(e, text));
  }
}

}  // namespace penstock::api
