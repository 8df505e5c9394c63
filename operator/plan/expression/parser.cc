// Recursive descent over CEL's grammar:
//
//   Expr   := Or ["?" Or ":" Expr]
//   Or     := And {"||" And}             And := Rel {"&&" Rel}
//   Rel    := Add {("<" | "<=" | ">" | ">=" | "==" | "!=" | "in") Add}
//   Add    := Mul {("+" | "-") Mul}      Mul := Unary {("*" | "/" | "%") Unary}
//   Unary  := Member | "!"+ Member | "-"+ Member
//   Member := Primary {"." NAME ["(" [Expr {"," Expr}] ")"] | "[" Expr "]"}
#include <algorithm>
#include <array>
#include <charconv>

#include "operator/plan/expression/expression.h"
#include "operator/plan/expression/lexer.h"

namespace penstock::plan::expression {
namespace {

constexpr std::array kReserved{"as",        "break",  "const",  "continue", "else", "for",
                               "function",  "if",     "import", "let",      "loop", "package",
                               "namespace", "return", "var",    "void",     "while"};
constexpr std::array kMacros{"all", "exists", "exists_one", "filter", "map"};

template <std::size_t N>
bool IsOneOf(const std::string& word, const std::array<const char*, N>& words) {
  return std::any_of(words.begin(), words.end(), [&](const char* w) { return word == w; });
}

using ParsedNode = Result<NodePtr>;

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  ParsedNode Whole() {
    auto root = Expr();
    if (!root) return root;
    if (Now().kind != Token::Kind::kEnd)
      return At(Now().at, "expected an operator, but there is " + Shown(Now()));
    return root;
  }

 private:
  [[nodiscard]] const Token& Now() const { return tokens_[next_]; }
  static std::string Shown(const Token& t) {
    if (t.kind == Token::Kind::kEnd || t.value.As<std::string>() != nullptr) return t.text;
    return "'" + t.text.substr(0, 40) + "'";
  }
  [[nodiscard]] bool IsMark(const char* mark) const {
    return Now().kind == Token::Kind::kMark && Now().text == mark;
  }
  bool Take(const char* mark) {
    if (!IsMark(mark)) return false;
    ++next_;
    return true;
  }
  [[nodiscard]] Error Expected(const std::string& what) const {
    return At(Now().at, "expected " + what + ", but there is " + Shown(Now()));
  }

  static NodePtr Make(Node::Kind kind, std::size_t at, std::string name = "") {
    auto node = std::make_unique<Node>();
    node->kind = kind;
    node->at = at;
    node->name = std::move(name);
    return node;
  }
  // Adds a child; the tree's height is bounded, as it is walked by recursion.
  std::optional<Error> Add(Node& node, NodePtr kid) const {
    node.height = std::max(node.height, kid->height + 1);
    node.kids.push_back(std::move(kid));
    if (node.height > kMaxHeight) return At(node.at, "the expression is nested too deeply");
    return std::nullopt;
  }
  [[nodiscard]] ParsedNode Binary(const std::string& function, std::size_t at, NodePtr left,
                                  NodePtr right) const {
    NodePtr node = Make(Node::Kind::kCall, at, function);
    if (auto wrong = Add(*node, std::move(left))) return *wrong;
    if (auto wrong = Add(*node, std::move(right))) return *wrong;
    return node;
  }

  ParsedNode Expr() {
    if (depth_ >= kMaxDepth) return At(Now().at, "the expression is nested too deeply");
    ++depth_;
    auto out = Ternary();
    --depth_;
    return out;
  }

  ParsedNode Ternary() {
    auto condition = Level(0);
    if (!condition || !IsMark("?")) return condition;
    NodePtr node = Make(Node::Kind::kCall, Now().at, "_?_:_");
    ++next_;
    auto yes = Level(0);
    if (!yes) return yes;
    if (!Take(":")) return Expected("':'");
    auto no = Expr();
    if (!no) return no;
    for (NodePtr* kid : {&*condition, &*yes, &*no})
      if (auto wrong = Add(*node, std::move(*kid))) return *wrong;
    return node;
  }

  // The operator of this level that comes now, as CEL calls it; empty: none.
  [[nodiscard]] std::string OperatorOf(int level) const {
    static const std::array<std::vector<std::string>, 5> kLevels{
        {{"||"}, {"&&"}, {"<", "<=", ">", ">=", "==", "!="}, {"+", "-"}, {"*", "/", "%"}}};
    if (level == 2 && Now().kind == Token::Kind::kName && Now().text == "in") return "_in_";
    const auto& marks = kLevels.at(static_cast<std::size_t>(level));
    const bool is = Now().kind == Token::Kind::kMark &&
                    std::find(marks.begin(), marks.end(), Now().text) != marks.end();
    return is ? "_" + Now().text + "_" : "";
  }

  ParsedNode Level(int level) {
    if (level == 5) return Unary();
    auto left = Level(level + 1);
    while (left) {
      const std::string function = OperatorOf(level);
      if (function.empty()) return left;
      const std::size_t at = tokens_[next_++].at;
      auto right = Level(level + 1);
      if (!right) return right;
      left = Binary(function, at, std::move(*left), std::move(*right));
    }
    return left;
  }

  // An even number of signs says nothing, as in cel-go.
  ParsedNode Unary() {
    const bool is_not = IsMark("!");
    if (!is_not && !IsMark("-")) return Member();
    const std::size_t at = Now().at;
    int signs = 0;
    while (IsMark(is_not ? "!" : "-")) {
      ++next_;
      ++signs;
    }
    if (!is_not && signs == 1 && IsNumber(Now())) return Member(at);
    auto operand = Negative() ? Member(tokens_[next_++].at) : Member();
    if (!operand || signs % 2 == 0) return operand;
    NodePtr node = Make(Node::Kind::kCall, at, is_not ? "!_" : "-_");
    if (auto wrong = Add(*node, std::move(*operand))) return *wrong;
    return node;
  }
  // A number with its sign comes.
  [[nodiscard]] bool Negative() const { return IsMark("-") && IsNumber(tokens_[next_ + 1]); }
  static bool IsNumber(const Token& t) {
    return t.kind == Token::Kind::kLiteral &&
           (!t.digits.empty() || t.value.As<double>() != nullptr);
  }

  // `minus`: where the sign of the number stands that comes now.
  ParsedNode Member(std::optional<std::size_t> minus = std::nullopt) {
    auto left = minus ? Literal(minus) : Primary();
    while (left) {
      const std::size_t at = Now().at;
      if (Take("[")) {
        auto index = Expr();
        if (!index) return index;
        if (!Take("]")) return Expected("']'");
        left = Binary("_[_]", at, std::move(*left), std::move(*index));
      } else if (Take(".")) {
        left = Field(std::move(*left), at);
      } else {
        return left;
      }
    }
    return left;
  }

  ParsedNode Field(NodePtr operand, std::size_t at) {
    if (IsMark("?")) return At(at, "optional fields (.?) are not supported; ask with has(...)");
    if (Now().kind != Token::Kind::kName || IsKeyword(Now().text))
      return Expected("a field's name");
    const std::string name = tokens_[next_++].text;
    if (Take("(")) return Method(std::move(operand), name, at);
    NodePtr node = Make(Node::Kind::kSelect, at, name);
    if (auto wrong = Add(*node, std::move(operand))) return *wrong;
    return node;
  }
  static bool IsKeyword(const std::string& name) {
    return name == "true" || name == "false" || name == "null" || name == "in";
  }

  ParsedNode Method(NodePtr operand, const std::string& name, std::size_t at) {
    auto arguments = Arguments(")");
    if (!arguments) return arguments.error();
    const std::size_t n = arguments->size();
    const bool macro = IsOneOf(name, kMacros) && (n == 2 || (n == 3 && name == "map"));
    NodePtr node = Make(macro ? Node::Kind::kMacro : Node::Kind::kCall, at, name);
    if (!macro) node->variable = ".";  // called as a method
    if (auto wrong = Add(*node, std::move(operand))) return *wrong;
    for (std::size_t i = 0; i < n; ++i) {
      NodePtr& argument = (*arguments)[i];
      if (macro && i == 0) {
        if (argument->kind != Node::Kind::kName)
          return At(argument->at, "the first argument of " + name + " is the name of a variable");
        node->variable = argument->name;
        continue;
      }
      if (auto wrong = Add(*node, std::move(argument))) return *wrong;
    }
    return node;
  }

  // Up to the mark that ends them, which is taken.
  Result<std::vector<NodePtr>> Arguments(const char* end) {
    std::vector<NodePtr> list;
    if (Take(end)) return list;
    if (std::string(end) == "]" && Take(",")) {
      if (Take(end)) return list;
      return Expected("']'");
    }
    while (true) {
      auto item = Expr();
      if (!item) return item.error();
      list.push_back(std::move(*item));
      if (Take(end)) return list;
      if (!Take(",")) return Expected(std::string("',' or '") + end + "'");
      if (std::string(end) == "]" && Take(end)) return list;  // a comma may end a list
    }
  }

  ParsedNode Primary() {
    const Token& t = Now();
    if (t.kind == Token::Kind::kLiteral) return Literal(std::nullopt);
    if (t.kind == Token::Kind::kName) return Name();
    if (Take("(")) {
      auto inner = Expr();
      if (inner && !Take(")")) return Expected("')'");
      return inner;
    }
    if (Take("[")) return Listed(Node::Kind::kList, t.at, Arguments("]"));
    if (IsMark("{")) return MapLiteral();
    if (Take(".")) return Now().kind == Token::Kind::kName ? Name() : Expected("a name");
    return Expected("a value");
  }

  [[nodiscard]] ParsedNode Listed(Node::Kind kind, std::size_t at,
                                  Result<std::vector<NodePtr>> items) const {
    if (!items) return items.error();
    NodePtr node = Make(kind, at);
    for (NodePtr& item : *items)
      if (auto wrong = Add(*node, std::move(item))) return *wrong;
    return node;
  }

  ParsedNode MapLiteral() {
    const std::size_t at = Now().at;
    ++next_;
    std::vector<NodePtr> entries;
    if (Take(",") && !IsMark("}")) return Expected("'}'");
    while (!Take("}")) {
      if (!entries.empty() && !Take(",")) return Expected("',' or '}'");
      if (!entries.empty() && Take("}")) break;
      auto key = Expr();
      if (!key) return key;
      if (!Take(":")) return Expected("':'");
      auto value = Expr();
      if (!value) return value;
      entries.push_back(std::move(*key));
      entries.push_back(std::move(*value));
    }
    return Listed(Node::Kind::kMap, at, std::move(entries));
  }

  ParsedNode Literal(std::optional<std::size_t> minus) {
    const Token& t = tokens_[next_++];
    NodePtr node = Make(Node::Kind::kLiteral, minus.value_or(t.at));
    node->literal = t.value;
    if (const auto* d = t.value.As<double>(); d != nullptr && minus) node->literal = -*d;
    if (t.digits.empty()) return node;
    const bool hex = t.digits.size() > 1 && (t.digits[1] == 'x' || t.digits[1] == 'X');
    const std::string digits = (minus ? "-" : "") + t.digits.substr(hex ? 2 : 0);
    std::int64_t i = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), i, hex ? 16 : 10).ec !=
        std::errc{})
      return At(t.at, t.digits.substr(0, 40) + " does not fit 64 bits");
    node->literal = i;
    return node;
  }

  ParsedNode Name() {
    const Token& t = tokens_[next_++];
    NodePtr node = Make(Node::Kind::kLiteral, t.at);
    if (t.text == "null") return node;
    if (t.text == "true" || t.text == "false") {
      node->literal = t.text == "true";
      return node;
    }
    if (t.text == "in" || IsOneOf(t.text, kReserved))
      return At(t.at, "'" + t.text + "' is a reserved word");
    node->name = t.text;
    if (IsMark("{")) return At(Now().at, "messages are not supported");
    if (!Take("(")) {
      node->kind = Node::Kind::kName;
      return node;
    }
    auto arguments = Arguments(")");
    if (!arguments) return arguments.error();
    if (t.text != "has" || arguments->size() != 1) return FunctionCall(t, std::move(arguments));
    return Has(t.at, std::move(arguments->front()));
  }

  [[nodiscard]] ParsedNode FunctionCall(const Token& name,
                                        Result<std::vector<NodePtr>> arguments) const {
    auto call = Listed(Node::Kind::kCall, name.at, std::move(arguments));
    if (call) (*call)->name = name.text;
    return call;
  }

  // Beyond CEL, a field may be written ["name"] here as everywhere.
  [[nodiscard]] ParsedNode Has(std::size_t at, NodePtr field) const {
    const bool indexed = field->kind == Node::Kind::kCall && field->name == "_[_]" &&
                         field->kids[1]->kind == Node::Kind::kLiteral &&
                         field->kids[1]->literal.As<std::string>() != nullptr;
    if (field->kind != Node::Kind::kSelect && !indexed)
      return At(at, "has takes a field, as in has(a.b)");
    NodePtr node = Make(Node::Kind::kHas, field->at,
                        indexed ? *field->kids[1]->literal.As<std::string>() : field->name);
    if (auto wrong = Add(*node, std::move(field->kids[0]))) return *wrong;
    return node;
  }

  std::vector<Token> tokens_;
  std::size_t next_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<Expression> Expression::Parse(std::string_view text) {
  if (text.size() > kMaxText)
    return Invalid("the expression is over " + std::to_string(kMaxText) + " bytes");
  auto tokens = Tokens(text);
  if (!tokens) return tokens.error();
  auto root = Parser(std::move(*tokens)).Whole();
  if (!root) return root.error();
  return Expression(std::move(*root));
}

}  // namespace penstock::plan::expression
