#include "formats/c_header/header.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "core/names.hpp"
#include "formats/c_header/source.hpp"

namespace rondo::c_header {

namespace {

std::string text_of(std::size_t n) { return std::to_string(n); }
std::string text_of(Index n) { return std::to_string(n); }

// A layer's name may hold anything, also the end of a comment.
std::string in_comment(std::string text) {
  for (char& c : text) {
    if (c < ' ' || c == '*' || c == '\\') c = '_';
  }
  return text;
}

std::string numbered(std::size_t buffer) { return "v" + text_of(buffer); }

class Header {
 public:
  Header(const Program& program, const SelfTest& test, ExportReport& report)
      : program_(program), test_(test), report_(report), source_(report.name, program) {}

  std::string text() {
    std::string functions = layer_functions();
    functions += step_functions();
    const std::string state = state_struct(), self_test = this->self_test();
    report_.constant_bytes = constant_bytes_;
    const std::string code = source_.helpers_text() + functions;
    std::string text = introduction() + "#ifndef " + name("H") + "\n#define " + name("H") + "\n\n";
    if (uses_math(code)) text += "#include <math.h>\n";
    text += "#include <stdint.h>\n\n" + sizes() + "\n" + source_.constants_text() + "\n" + state + "\n" + code +
            self_test + "#endif\n";
    return text;
  }

 private:
  std::string name(const std::string& word) const { return source_.name(word); }
  const Buffer& buffer(const Value& v) const { return program_.buffers()[v.buffer]; }
  std::string type(const Value& v) const { return type_of(program_, v.buffer); }
  bool in_integers() const { return program_.in_integers(); }

  // ---- layers ----
  bool has_state(std::size_t number) const {
    return std::any_of(program_.buffers().begin(), program_.buffers().end(),
                       [&](const Buffer& b) { return b.is_state && b.layer == number; });
  }

  std::string layer_functions() {
    std::string text;
    for (std::size_t i = 0; i < program_.layers().size(); ++i) {
      if (program_.layers()[i].begin != program_.layers()[i].end) text += layer_function(i + 1);
    }
    constant_bytes_ = source_.constant_bytes();
    return text;
  }

  std::string layer_function(std::size_t number) {
    const LayerPart& layer = program_.layers()[number - 1];
    std::string parameters = has_state(number) ? name("state") + " *state, " : "";
    parameters += "const " + type(layer.input) + " *x";
    source_.call(layer.input.buffer, "x");
    if (!buffer(layer.output).is_state) {
      parameters += ", " + type(layer.output) + " *y";
      source_.call(layer.output.buffer, "y");
    }
    for (std::size_t b = 1; b < program_.buffers().size(); ++b) {
      const Buffer& local = program_.buffers()[b];
      if (local.layer != number || local.is_state || b == layer.output.buffer) continue;
      source_.line(array(b));
    }
    for (std::size_t i = layer.begin; i < layer.end; ++i) {
      in_integers() ? program_.operation(i).write_integers(source_) : program_.operation(i).write_floats(source_);
    }
    layer_stack_ = std::max(layer_stack_, source_.take_stack());
    return "/* " + in_comment(layer.title) + ": " + text_of(layer.input.size) + " to " + text_of(layer.output.size) +
           " */\nstatic inline void " + name(layer.function) + "(" + parameters + ") {\n" + source_.take_body() +
           "}\n\n";
  }

  std::string array(std::size_t b) {
    const auto size = static_cast<std::size_t>(program_.buffers()[b].size);
    source_.count_stack(size * bytes_of(program_, b));
    return std::string(type_of(program_, b)) + " " + numbered(b) + "[" + text_of(size) + "];";
  }

  // ---- state ----
  std::string state_struct() {
    std::vector<std::size_t> states;
    for (std::size_t b = 0; b < program_.buffers().size(); ++b) {
      if (program_.buffers()[b].is_state) states.push_back(b);
    }
    // The largest first, so that nothing lies between them.
    std::stable_sort(states.begin(), states.end(),
                     [&](std::size_t a, std::size_t b) { return bytes_of(program_, a) > bytes_of(program_, b); });
    std::string members, clears;
    std::size_t bytes = 0;
    for (const std::size_t b : states) {
      const std::string size = std::to_string(program_.buffers()[b].size);
      members += "  " + std::string(type_of(program_, b)) + " " + numbered(b) + "[" + size + "];\n";
      clears += "  for (int j = 0; j < " + size + "; ++j) state->" + numbered(b) + "[j] = 0;\n";
      bytes += bytes_of(program_, b) * static_cast<std::size_t>(program_.buffers()[b].size);
    }
    if (states.empty()) {
      members = "  uint8_t nothing;\n";
      clears = "  state->nothing = 0;\n";
      bytes = 1;
    }
    const std::size_t align = states.empty() ? 1 : bytes_of(program_, states.front());
    report_.state_bytes = (bytes + align - 1) / align * align;
    const std::string state = name("state");
    return "/* What a sequence that is under way has seen. */\ntypedef struct " + state + " {\n" + members + "} " +
           state + ";\n\n/* Back to before the first step. */\nstatic inline void " + name("reset") + "(" + state +
           " *state) {\n" + clears + "}\n\n/* To be called before the first step. */\nstatic inline void " +
           name("init") + "(" + state + " *state) { " + name("reset") + "(state); }\n";
  }

  // ---- steps ----
  // Calls of all layers, from `input` to `output`.
  std::string walk() {
    const Value result = program_.output();
    std::string arrays, calls;
    const auto called = [&](const Value& v) {
      if (v.buffer == 0) return std::string("input");
      if (buffer(v).is_state) return "state->" + numbered(v.buffer);
      return v.buffer == result.buffer ? std::string("output") : numbered(v.buffer);
    };
    for (std::size_t i = 0; i < program_.layers().size(); ++i) {
      const LayerPart& layer = program_.layers()[i];
      if (layer.begin == layer.end) continue;
      const bool keeps_output = buffer(layer.output).is_state;
      if (!keeps_output && layer.output.buffer != result.buffer) arrays += "  " + array(layer.output.buffer) + "\n";
      calls += "  " + name(layer.function) + "(" + (has_state(i + 1) ? "state, " : "") + called(layer.input) +
               (keeps_output ? "" : ", " + called(layer.output)) + ");\n";
    }
    if (called(result) != "output") {
      calls += "  for (int j = 0; j < " + text_of(result.size) + "; ++j) output[j] = " + called(result) + "[j];\n";
    }
    if (calls.find("state") == std::string::npos) calls += "  (void)state;\n";
    return arrays + calls;
  }

  std::string step_functions() {
    const Value input = program_.input(), output = program_.output();
    const std::string state = name("state") + " *state, const ";
    std::string text = "/* One time step: " + text_of(input.size) + " numbers in, " + text_of(output.size) + " out" +
                       (in_integers() ? "; each stands for INPUT_UNIT or OUTPUT_UNIT times itself" : "") + ". */\n";
    text += "static inline void " + name(in_integers() ? "step_int" : "step") + "(" + state + type(input) +
            " *input, " + type(output) + " *output) {\n" + walk() + "}\n\n";
    if (in_integers()) text += float_step();
    report_.stack_bytes = layer_stack_ + source_.take_stack();
    return text;
  }

  // Conversions around a step in integers. NaN becomes 0.
  std::string float_step() {
    const Value input = program_.input(), output = program_.output();
    source_.count_stack(static_cast<std::size_t>(input.size) * bytes_of(program_, input.buffer) +
                        static_cast<std::size_t>(output.size) * bytes_of(program_, output.buffer));
    const std::string to_integer =
        source_.helper("quantize", R"(/* x / unit to the nearest, within +-limit; NaN is 0. */
static inline int32_t @quantize(float x, float inverse_unit, int32_t limit) {
  const float most = (float)limit, t = x * inverse_unit;
  int32_t n;
  float rest;
  if (!(t > -most)) return t <= -most ? -limit : 0;
  if (t >= most) return limit;
  n = (int32_t)t;
  rest = t - (float)n;
  return rest >= 0.5f ? n + 1 : rest <= -0.5f ? n - 1 : n;
}
)");
    const Format in = program_.format(input), out = program_.format(output);
    const std::string inputs = text_of(input.size), outputs = text_of(output.size);
    return "/* The same with numbers as the model was trained with. */\nstatic inline void " + name("step") + "(" +
           name("state") + " *state, const float *input, float *output) {\n  " + type(input) + " x[" + inputs +
           "];\n  " + type(output) + " y[" + outputs + "];\n  for (int j = 0; j < " + inputs + "; ++j) x[j] = (" +
           type(input) + ")" + to_integer + "(input[j], " + float_text(1 / in.unit) + ", " + std::to_string(in.limit) +
           ");\n  " + name("step_int") + "(state, x, y);\n  for (int j = 0; j < " + outputs +
           "; ++j) output[j] = (float)y[j] * " + float_text(out.unit) + ";\n}\n\n";
  }

  std::string self_test() {
    const Value input = program_.input(), output = program_.output();
    std::string inputs, outputs, constants;
    if (in_integers()) {
      inputs = source_.integers(type_of(program_, input.buffer), 0, whole(test_.inputs));
      outputs = source_.integers(type_of(program_, output.buffer), 0, whole(test_.outputs));
    } else {
      inputs = source_.floats(test_.inputs);
      outputs = source_.floats(test_.outputs);
    }
    const std::string y = type(output), bound = in_integers() ? "0" : float_text(report_.self_test_bound);
    return "/* 0 if steps come out as where the model was trained; else the number of the first one that does not. */\n"
           "static inline int " +
           name("self_test") + "(void) {\n  " + name("state") + " state;\n  " + y + " y[" + text_of(output.size) +
           "];\n  " + name("init") + "(&state);\n  for (int i = 0; i < " + text_of(test_.steps) + "; ++i) {\n    " +
           name(in_integers() ? "step_int" : "step") + "(&state, " + inputs + " + i * " + text_of(input.size) +
           ", y);\n    for (int j = 0; j < " + text_of(output.size) + "; ++j) {\n      const " +
           (in_integers() ? "int32_t" : "float") + " distance = y[j] - " + outputs + "[i * " + text_of(output.size) +
           " + j];\n      if (!(distance <= " + bound + " && -distance <= " + bound +
           ")) return i + 1;\n    }\n  }\n  return 0;\n}\n\n";
  }

  static std::vector<std::int32_t> whole(const std::vector<double>& values) {
    std::vector<std::int32_t> integers;
    for (const double v : values) integers.push_back(static_cast<std::int32_t>(v));
    return integers;
  }

  // ---- what it says of itself ----
  std::string introduction() const {
    const ExportReport& r = report_;
    std::string text =
        "/* " + r.name + ".h: a neural network, one time step at a time. Written by Rondo, not by hand.\n *\n";
    for (const LayerPart& layer : program_.layers()) {
      if (layer.begin == layer.end) continue;
      text += " *   " + in_comment(layer.title) + ": " + text_of(layer.input.size) + " to " +
              text_of(layer.output.size) + "\n";
    }
    text += " *\n * precision: " + r.precision + "\n * state: " + text_of(r.state_bytes) +
            " bytes; on the stack during a step: " + text_of(r.stack_bytes) +
            " bytes\n * weights and tables: " + text_of(r.constant_bytes) + " bytes\n";
    if (in_integers()) {
      text += " * distance from the float model, over the calibration: at most " + number_text(r.max_error, 3) +
              ", on average " + number_text(r.mean_error, 3) + ", of outputs up to " +
              number_text(r.largest_output, 3) + "\n";
    } else {
      text += " * distance from Rondo's numbers in the self-test: at most " + number_text(r.self_test_bound, 3) + "\n";
    }
    const std::string state = r.name + "_state";
    return text + " *\n *   " + state + " state;  -- one for each sequence; it may stand anywhere\n *   " + r.name +
           "_init(&state);\n *   " + r.name + "_step(&state, input, output);  -- float input[" + r.name +
           "_INPUTS], output[" + r.name +
           "_OUTPUTS]\n *\n * No heap, no recursion, no global state; C99 and C++11.\n */\n";
  }

  std::string sizes() const {
    const auto define = [&](const std::string& word, const std::string& value) {
      return "#define " + name(word) + " " + value + "\n";
    };
    std::string text =
        define("INPUTS", text_of(program_.input().size)) + define("OUTPUTS", text_of(program_.output().size)) +
        define("STATE_BYTES", text_of(report_.state_bytes)) + define("STACK_BYTES", text_of(report_.stack_bytes)) +
        define("CONSTANT_BYTES", text_of(report_.constant_bytes));
    if (in_integers()) {
      text += define("INPUT_UNIT", float_text(program_.format(program_.input()).unit)) +
              define("OUTPUT_UNIT", float_text(program_.format(program_.output()).unit));
    }
    return text;
  }

  static bool uses_math(const std::string& code) {
    constexpr std::array<std::string_view, 8> kFunctions = {"fabsf(",  "copysignf(", "sqrtf(",  "expf(",
                                                            "expm1f(", "logf(",      "log1pf(", "erff("};
    return std::any_of(kFunctions.begin(), kFunctions.end(),
                       [&](std::string_view f) { return code.find(f) != std::string::npos; });
  }

  const Program& program_;
  const SelfTest& test_;
  ExportReport& report_;
  Source source_;
  std::size_t layer_stack_ = 0, constant_bytes_ = 0;
};

}  // namespace

std::string header_text(const Program& program, const SelfTest& test, ExportReport& report) {
  return Header(program, test, report).text();
}

}  // namespace rondo::c_header
