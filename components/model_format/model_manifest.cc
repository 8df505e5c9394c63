// model.yaml's text. Written as block YAML with JSON scalars, so that a class "true" (a string) and
// a class true (a boolean) stay apart; read with yaml-cpp.
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <set>
#include <sstream>

#include "components/model_format/label_models.h"
#include "components/model_format/model_artifact.h"

namespace penstock::sdk {
namespace {

constexpr std::size_t kMaxClasses = 100'000;

// A plain scalar by YAML's core schema; a quoted one is a string.
Json ScalarToJson(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!") return text;
  if (text == "true" || text == "false") return text == "true";
  std::int64_t integer = 0;
  const char* end = text.data() + text.size();
  if (const auto r = std::from_chars(text.data(), end, integer);
      r.ec == std::errc() && r.ptr == end) {
    return integer;
  }
  double number = 0;
  if (const auto r = std::from_chars(text.data(), end, number);
      r.ec == std::errc() && r.ptr == end) {
    return number;
  }
  return text;
}

// Reads the fields of one mapping; the first problem is kept and names its place.
class FieldReader {
 public:
  FieldReader(const YAML::Node& node, std::string place) : node_(node), place_(std::move(place)) {
    if (!node_.IsMap()) Fail("must be a mapping");
  }

  template <typename T>
  T Get(const char* key, const char* type) {
    const YAML::Node field = Field(key);
    if (!error_.empty()) return T{};
    try {
      return field.as<T>();
    } catch (const YAML::Exception&) {
      Fail(std::string(key) + " must be " + type);
      return T{};
    }
  }

  template <typename T>
  T GetOr(const char* key, const char* type, T fallback) {
    return error_.empty() && Has(key) ? Get<T>(key, type) : fallback;
  }

  YAML::Node List(const char* key) {
    const YAML::Node field = Field(key);
    if (error_.empty() && !field.IsSequence()) Fail(std::string(key) + " must be a list");
    return error_.empty() ? field : YAML::Node(YAML::NodeType::Sequence);
  }

  [[nodiscard]] bool Has(const char* key) const {
    const YAML::Node& node = node_;
    return node[key].IsDefined() && !node[key].IsNull();
  }
  void Fail(const std::string& problem) {
    if (error_.empty()) error_ = place_ + problem;
  }
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  YAML::Node Field(const char* key) {
    if (error_.empty() && !Has(key)) Fail(std::string(key) + " is missing");
    const YAML::Node& node = node_;
    return error_.empty() ? node[key] : YAML::Node();
  }

  YAML::Node node_;
  std::string place_;
  std::string error_;
};

void ReadInputs(FieldReader& reader, ModelManifest& m) {
  for (const auto& node : reader.List("inputs")) {
    const std::string place = "inputs[" + std::to_string(m.inputs.size()) + "]";
    FieldReader field(node, place + ".");
    Column column;
    column.name = field.Get<std::string>("name", "a string");
    const auto type = ParseColumnType(field.Get<std::string>("type", "a string"));
    if (!type) field.Fail("type must be string, int64, float64, bool or timestamp");
    column.type = type.value_or(ColumnType::kString);
    column.nullable = field.GetOr<bool>("nullable", "a boolean", true);
    InputBounds bounds;
    if (field.Has("minimum")) bounds.minimum = field.Get<double>("minimum", "a number");
    if (field.Has("maximum")) bounds.maximum = field.Get<double>("maximum", "a number");
    const bool bounded = bounds != InputBounds();
    if (bounded && column.type != ColumnType::kInt64 && column.type != ColumnType::kFloat64) {
      field.Fail("minimum and maximum are for int64 and float64");
    }
    if (bounded) m.bounds[column.name] = bounds;
    if (!field.error().empty()) return reader.Fail(field.error());
    m.inputs.push_back(std::move(column));
  }
}

void ReadOutputs(FieldReader& reader, ModelManifest& m) {
  static const std::set<std::string> kTypes = {"float32", "string", "bool", "int64"};
  for (const auto& node : reader.List("outputs")) {
    const std::string place = "outputs[" + std::to_string(m.outputs.size()) + "]";
    FieldReader field(node, place + ".");
    ModelOutput output;
    output.name = field.Get<std::string>("name", "a string");
    output.type = field.Get<std::string>("type", "a string");
    if (!kTypes.contains(output.type)) field.Fail("type must be float32, string, bool or int64");
    output.shape = field.Get<std::vector<std::int64_t>>("shape", "a list of integers");
    output.meaning = field.GetOr<std::string>("meaning", "a string", "");
    if (!field.error().empty()) return reader.Fail(field.error());
    m.outputs.push_back(std::move(output));
  }
}

void ReadClasses(FieldReader& reader, ModelManifest& m) {
  if (!reader.Has("classes")) return;
  for (const auto& node : reader.List("classes")) {
    if (!node.IsScalar()) return reader.Fail("classes must be scalars");
    m.classes.push_back(ScalarToJson(node));
  }
}

// `file: model.ts`, or `files: [a.pt2, b.pt2]`.
void ReadFiles(FieldReader& reader, ModelManifest& m) {
  if (!reader.Has("files")) {
    m.file = reader.Get<std::string>("file", "a string");
    return;
  }
  if (reader.Has("file")) return reader.Fail("file and files cannot both be given");
  const auto files = reader.Get<std::vector<std::string>>("files", "a list of strings");
  if (files.empty()) return reader.Fail("files must name at least one file");
  m.file = files.front();
  m.more_files.assign(files.begin() + 1, files.end());
}

void ReadLink(FieldReader& reader, ModelManifest& m) {
  const auto link = reader.GetOr<std::string>("link", "a string", "identity");
  if (link != "identity" && link != "log") reader.Fail("link must be identity or log");
  m.link = link == "log" ? Link::kLog : Link::kIdentity;
  if (m.link == Link::kLog && m.task != ModelTask::kRegression) {
    reader.Fail("link log is for regressions");
  }
}

void ReadCalibration(FieldReader& reader, const YAML::Node& root, ModelManifest& m) {
  if (!reader.Has("calibration")) return;
  FieldReader field(root["calibration"], "calibration.");
  const auto method = field.Get<std::string>("method", "a string");
  if (method == "platt") {
    m.calibration.method = CalibrationMethod::kPlatt;
    m.calibration.slope = field.Get<std::vector<double>>("slope", "a list of numbers");
    m.calibration.offset = field.Get<std::vector<double>>("offset", "a list of numbers");
  } else if (method == "isotonic") {
    m.calibration.method = CalibrationMethod::kIsotonic;
    m.calibration.x = field.Get<std::vector<std::vector<double>>>("x", "a list of lists");
    m.calibration.y = field.Get<std::vector<std::vector<double>>>("y", "a list of lists");
  } else {
    field.Fail("method must be platt or isotonic");
  }
  if (!field.error().empty()) return reader.Fail(field.error());
  if (m.task != ModelTask::kClassification) return reader.Fail("calibration is of probabilities");
  const auto fits = CheckCalibration(m.calibration, m.RawWidth());
  if (!fits) reader.Fail(fits.error().message);
}

bool IsWithinFolder(const std::string& text) {
  const std::filesystem::path file(text);
  return !file.empty() && !file.is_absolute() &&
         std::find(file.begin(), file.end(), "..") == file.end();
}

void CheckManifest(FieldReader& reader, const ModelManifest& m) {
  if (!IsWithinFolder(m.file)) reader.Fail("file must be a path within the model's folder");
  for (const std::string& file : m.more_files) {
    if (!IsWithinFolder(file)) reader.Fail("files must be paths within the model's folder");
  }
  if (m.features < 1) reader.Fail("features must be at least 1");
  if (m.batch_axis != 0) reader.Fail("batchAxis must be 0");
  if (m.inputs.empty()) reader.Fail("inputs must name at least one column");
  if (m.outputs.empty()) reader.Fail("outputs must name at least one output");
  if (m.task == ModelTask::kClassification && m.classes.size() < 2) {
    reader.Fail("classes must name at least two classes");
  }
  if (m.classes.size() > kMaxClasses) reader.Fail("classes: more than 100000");
  if (!std::isfinite(m.threshold)) reader.Fail("threshold must be a finite number");
}

void ReadFields(FieldReader& reader, const YAML::Node& root, ModelManifest& m) {
  if (reader.Get<int>("formatVersion", "an integer") != kModelFormatVersion) {
    reader.Fail("formatVersion must be 1; this program is older than the model, or it is no model");
  }
  m.name = reader.Get<std::string>("name", "a string");
  m.label = reader.GetOr<std::string>("label", "a string", "");
  const auto task = reader.Get<std::string>("task", "a string");
  if (task == kLabelsTask) {
    reader.Fail(
        "task is multilabel: this is a model of several labels, which servers, predict, evaluate "
        "and bless take; here a model of one label is needed");
  }
  if (task != "classification" && task != "regression") {
    reader.Fail("task must be classification or regression");
  }
  m.task = task == "regression" ? ModelTask::kRegression : ModelTask::kClassification;
  m.backend = reader.Get<std::string>("backend", "a string");
  ReadFiles(reader, m);
  if (reader.Has("view")) {
    m.view = ParseView(reader.Get<std::string>("view", "a string"));
    if (!m.view) reader.Fail("view must be dense, tree or embedding");
  }
  m.batch_axis = reader.GetOr<int>("batchAxis", "an integer", 0);
  m.features = reader.Get<std::int64_t>("features", "an integer");
  m.threshold = reader.GetOr<double>("threshold", "a number", 0.5);
  m.seed = reader.GetOr<std::int64_t>("seed", "an integer", 0);
  ReadInputs(reader, m);
  ReadOutputs(reader, m);
  ReadClasses(reader, m);
  ReadLink(reader, m);
  ReadCalibration(reader, root, m);
  for (const auto& [name, value] :
       reader.GetOr<std::map<std::string, double>>("metrics", "a mapping of numbers", {})) {
    m.metrics[name] = value;
  }
  CheckManifest(reader, m);
}

}  // namespace

Result<ModelManifest> ParseModelManifest(const std::string& yaml, const std::string& what) {
  ModelManifest m;
  try {
    const YAML::Node root = YAML::Load(yaml);
    FieldReader reader(root, what + ": ");
    ReadFields(reader, root, m);
    if (!reader.error().empty()) return Invalid(reader.error());
  } catch (const YAML::Exception& e) {
    return Invalid(what + ": " + e.what());
  }
  return m;
}

std::string FormatModelManifest(const ModelManifest& m) {
  std::ostringstream out;
  const auto text = [](const std::string& s) { return Json(s).dump(); };
  out << "formatVersion: " << kModelFormatVersion << "\nname: " << text(m.name)
      << "\nlabel: " << text(m.label) << "\ntask: " << Name(m.task)
      << "\nbackend: " << text(m.backend);
  std::vector<std::string> files = m.more_files;
  files.insert(files.begin(), m.file);
  out << (files.size() == 1 ? "\nfile: " + text(m.file) : "\nfiles: " + Json(files).dump())
      << (m.view ? std::string("\nview: ") + Name(*m.view) : "") << "\nbatchAxis: " << m.batch_axis
      << "\ninputs:\n";
  for (const auto& c : m.inputs) {
    out << "- {name: " << text(c.name) << ", type: " << Name(c.type)
        << ", nullable: " << (c.nullable ? "true" : "false");
    const auto bounds = m.bounds.find(c.name);
    if (bounds != m.bounds.end() && bounds->second.minimum) {
      out << ", minimum: " << Json(*bounds->second.minimum).dump();
    }
    if (bounds != m.bounds.end() && bounds->second.maximum) {
      out << ", maximum: " << Json(*bounds->second.maximum).dump();
    }
    out << "}\n";
  }
  out << "features: " << m.features << "\noutputs:\n";
  for (const auto& o : m.outputs) {
    out << "- {name: " << text(o.name) << ", type: " << text(o.type)
        << ", shape: " << Json(o.shape).dump() << ", meaning: " << text(o.meaning) << "}\n";
  }
  if (m.task == ModelTask::kClassification) {
    out << "classes: " << Json(m.classes).dump() << "\n";
    if (m.IsBinary()) out << "threshold: " << Json(m.threshold).dump() << "\n";
  }
  if (m.link == Link::kLog) out << "link: log\n";
  if (m.calibration.method == CalibrationMethod::kPlatt) {
    out << "calibration:\n  method: platt\n  slope: " << Json(m.calibration.slope).dump()
        << "\n  offset: " << Json(m.calibration.offset).dump() << "\n";
  }
  if (m.calibration.method == CalibrationMethod::kIsotonic) {
    out << "calibration:\n  method: isotonic\n  x: " << Json(m.calibration.x).dump()
        << "\n  y: " << Json(m.calibration.y).dump() << "\n";
  }
  out << "metrics:" << (m.metrics.empty() ? " {}\n" : "\n");
  for (const auto& [name, value] : m.metrics.items()) {
    out << "  " << text(name) << ": " << value.dump() << "\n";
  }
  out << "seed: " << m.seed << "\n";
  return out.str();
}

}  // namespace penstock::sdk
