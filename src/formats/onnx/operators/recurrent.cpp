// LSTM and GRU of ONNX as those of Keras, alone or as a Bidirectional.
#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string_view>

#include <rondo/layers.hpp>

#include "core/names.hpp"
#include "formats/onnx/operators.hpp"
#include "formats/onnx/tensors.hpp"

namespace rondo::onnx {

namespace {

// ---- activations ----------------------------------------------------------------------------------------------------

// Takes the next of a list, for the activations that have such a number.
class Next {
 public:
  explicit Next(std::vector<float> values) : values_(std::move(values)) {}
  double operator()(double otherwise) { return at_ < values_.size() ? values_[at_++] : otherwise; }

 private:
  std::vector<float> values_;
  std::size_t at_ = 0;
};

ActivationFn function_of(const Node& node, const std::string& given, Next& alphas, Next& betas) {
  const std::string name = lower_case(given);
  for (const char* plain : {"tanh", "sigmoid", "relu", "softplus", "softsign"}) {
    if (name == plain) return name;
  }
  if (name == "elu") return elu_of(alphas(1));
  if (name == "leakyrelu") return leaky_relu_of(alphas(0.01));
  if (name == "thresholdedrelu") return activations::relu({.threshold = alphas(1)});
  if (name == "affine" || name == "hardsigmoid") {
    const bool is_affine = name == "affine";
    const double alpha = alphas(is_affine ? 1 : 0.2), beta = betas(is_affine ? 0 : 0.5);
    if (is_affine && alpha == 1 && beta == 0) return "linear";
    if (const std::optional<ActivationFn> f = hard_sigmoid_of(alpha, beta); f && !is_affine) return *f;
    node.fail("has the activation " + given + " with alpha " + number_text(alpha) + " and beta " + number_text(beta) +
              ", which Rondo does not have");
  }
  node.fail("has the activation '" + given + "', which is not read");
}

// Of the gates, and of the candidate (and c).
struct Functions {
  ActivationFn gates = "sigmoid", candidate = "tanh";
};

std::vector<Functions> functions_of(const Node& node, std::size_t directions) {
  const std::size_t each = node.op() == "LSTM" ? 3 : 2;
  std::vector<std::string> names = node.texts("activations");
  Next alphas(node.numbers("activation_alpha")), betas(node.numbers("activation_beta"));
  std::vector<Functions> all(directions);
  if (names.empty()) return all;
  if (names.size() != each * directions) {
    node.fail("has " + std::to_string(names.size()) + " activations; it takes " + std::to_string(each * directions));
  }
  for (std::size_t d = 0; d < directions; ++d) {
    std::vector<ActivationFn> of_direction;
    for (std::size_t i = 0; i < each; ++i)
      of_direction.push_back(function_of(node, names[d * each + i], alphas, betas));
    if (!(of_direction[1] == of_direction[each - 1])) {
      node.fail("has different activations for the candidate and for the cell state, which Keras's LSTM has not");
    }
    all[d] = {of_direction[0], of_direction[1]};
  }
  return all;
}

// ---- weights --------------------------------------------------------------------------------------------------------

// The operator's gates are i, o, f, c, Keras's i, f, c, o. Those of a GRU agree: z, r, h.
constexpr std::array kLstmGates = {0, 2, 3, 1}, kGruGates = {0, 1, 2, 0};

// What all directions have.
struct Form {
  std::string op;
  std::size_t directions = 1;
  Index units = 0, features = 0;
  bool batch_first = false, reset_after = false, go_backwards = false, has_bias = false;
  std::size_t gates() const { return op == "LSTM" ? 4 : 3; }
  std::size_t states() const { return op == "LSTM" ? 2 : 1; }
};

void require_shape(const Node& node, const TensorProto& tensor, const char* what, const std::vector<Index>& dims) {
  if (tensor.dims == dims) return;
  const auto text = [](const std::vector<Index>& axes) {
    return axes.size() <= static_cast<std::size_t>(Shape::kMaxRank) ? to_string(Shape(axes))
                                                                    : std::string("of many axes");
  };
  node.fail(std::string("has ") + what + " of shape " + text(tensor.dims) + "; it takes " + text(dims));
}

// Rows of gates as columns in Keras's order.
Tensor columns(const Form& form, const std::vector<double>& values, std::size_t direction, Index inputs) {
  const auto n = static_cast<std::size_t>(form.units), width = static_cast<std::size_t>(inputs), gates = form.gates();
  const double* rows = values.data() + direction * gates * n * width;
  std::vector<double> out;
  out.reserve(gates * n * width);
  for (std::size_t input = 0; input < width; ++input) {
    for (std::size_t g = 0; g < gates; ++g) {
      const auto from = static_cast<std::size_t>(gates == 4 ? kLstmGates[g] : kGruGates[g]);
      for (std::size_t u = 0; u < n; ++u) out.push_back(rows[(from * n + u) * width + input]);
    }
  }
  return Tensor(Shape{inputs, static_cast<Index>(gates * n)}, out);
}

// The bias of the inputs and that of the state add up, but where the reset gate is between them.
Tensor bias_of(const Form& form, const std::vector<double>& values, std::size_t direction) {
  const auto columns = static_cast<Index>(form.gates()) * form.units;
  const auto count = static_cast<std::size_t>(columns);
  const double* begin = values.data() + direction * 2 * count;
  const auto ordered = [&](const double* half) {
    Form row = form;
    row.directions = 1;
    return rondo::onnx::columns(row, {half, half + count}, 0, 1).to_vector();
  };
  std::vector<double> of_x = ordered(begin);
  const std::vector<double> of_h = ordered(begin + count);
  if (form.reset_after) {
    of_x.insert(of_x.end(), of_h.begin(), of_h.end());
    return Tensor(Shape{2, columns}, of_x);
  }
  std::transform(of_x.begin(), of_x.end(), of_h.begin(), of_x.begin(), std::plus<>());
  return Tensor(Shape{columns}, of_x);
}

std::vector<Tensor> weights_of(const Node& node, const Form& form) {
  const auto directions = static_cast<Index>(form.directions);
  const Index rows = static_cast<Index>(form.gates()) * form.units;
  const TensorProto &w = node.constant(1, "weights W"), &r = node.constant(2, "weights R");
  require_shape(node, w, "weights W", {directions, rows, form.features});
  require_shape(node, r, "weights R", {directions, rows, form.units});
  const std::vector<double> kernel = numbers_of(w), recurrent = numbers_of(r);
  std::vector<double> bias;
  if (form.has_bias) {
    const TensorProto& b = node.constant(3, "bias B");
    require_shape(node, b, "a bias B", {directions, 2 * rows});
    bias = numbers_of(b);
  }
  std::vector<Tensor> all;
  for (std::size_t d = 0; d < form.directions; ++d) {
    all.push_back(columns(form, kernel, d, form.features));
    all.push_back(columns(form, recurrent, d, form.units));
    if (form.has_bias) all.push_back(bias_of(form, bias, d));
  }
  return all;
}

// ---- who reads the outputs ------------------------------------------------------------------------------------------

// What becomes of a tensor behind operators that turn its axes.
struct Uses {
  bool whole = false, last = false;  // steps of a sequence
  bool only_joined = true;           // both directions go into a Reshape
};

bool is_last_step(const Import& import, const NodeProto& reader) {
  if (reader.op_type == "Gather") return true;
  if (reader.op_type != "Slice") return false;
  // One that turns time around has a step of -1.
  if (reader.inputs.size() < 5) return true;
  const Item* steps = import.find(reader.inputs[4]);
  const auto* constant = steps == nullptr ? nullptr : std::get_if<const TensorProto*>(steps);
  if (constant == nullptr || !has_integers(**constant)) return false;
  const std::vector<Index> values = integers_of(**constant);
  return std::all_of(values.begin(), values.end(), [](Index step) { return step == 1; });
}

void follow(const Import& import, const std::string& tensor, Uses& uses, std::set<std::string>& seen) {
  constexpr std::size_t kFarthest = 100;
  if (!seen.insert(tensor).second || seen.size() > kFarthest) return;
  if (import.goes_out(tensor)) uses.whole = true;
  for (const NodeProto* reader : import.readers(tensor)) {
    const std::string& op = reader->op_type;
    const bool turns = op == "Transpose" || op == "Squeeze" || op == "Unsqueeze" || op == "Identity";
    if (turns && !reader->outputs.empty()) {
      follow(import, reader->outputs[0], uses, seen);
    } else if (is_last_step(import, *reader)) {
      uses.last = true;
      uses.only_joined = false;
    } else {
      uses.whole = true;
      uses.only_joined = uses.only_joined && op == "Reshape";
    }
  }
}

Uses uses_of(const Node& node, std::size_t output) {
  Uses uses;
  std::set<std::string> seen;
  const std::vector<std::string>& outputs = node.proto().outputs;
  if (output < outputs.size() && !outputs[output].empty()) follow(node.import(), outputs[output], uses, seen);
  return uses;
}

bool is_read(const Node& node, std::size_t output) {
  const std::vector<std::string>& outputs = node.proto().outputs;
  return output < outputs.size() && !outputs[output].empty() && node.import().is_read(outputs[output]);
}

// ---- the layer ------------------------------------------------------------------------------------------------------

struct Returns {
  bool sequences = false, states = false;
};

Layer one_direction(const Node& node, const Form& form, const Functions& f, const Returns& returns, bool go_backwards,
                    const std::string& name) {
  const auto common = [&](auto options) {
    options.activation = f.candidate;
    options.recurrent_activation = f.gates;
    options.use_bias = form.has_bias;
    options.return_sequences = returns.sequences;
    options.return_state = returns.states;
    options.go_backwards = go_backwards;
    options.dtype = node.import().dtype();
    options.name = name;
    return options;
  };
  if (form.op == "LSTM") return LSTM(form.units, common(LSTMOptions{}));
  GRUOptions options = common(GRUOptions{});
  options.reset_after = form.reset_after;
  return GRU(form.units, options);
}

Layer both_directions(const Node& node, const Form& form, const std::vector<Functions>& f, const Returns& returns,
                      const std::string& mode) {
  const std::string name = node.layer_name("bidirectional");
  BidirectionalOptions options{.merge_mode = mode, .backward_layer = {}, .name = name};
  if (!(f[0].gates == f[1].gates && f[0].candidate == f[1].candidate)) {
    options.backward_layer = one_direction(node, form, f[1], returns, /*go_backwards=*/true, "backward_" + name);
  }
  return Bidirectional(one_direction(node, form, f[0], returns, /*go_backwards=*/false, name), options);
}

Form form_of(const Node& node) {
  Form form{.op = node.op()};
  const std::string direction = node.text("direction", "forward");
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional") {
    node.fail("has the direction '" + direction + "'");
  }
  form.directions = direction == "bidirectional" ? 2 : 1;
  form.go_backwards = direction == "reverse";
  form.batch_first = node.integer("layout", 0) != 0;
  if (node.op() == "GRU") form.reset_after = node.integer("linear_before_reset", 0) != 0;
  if (node.op() == "LSTM" && node.integer("input_forget", 0) != 0) {
    node.fail("has input_forget = 1, which joins two gates into one; Rondo has no such LSTM");
  }
  if (node.attribute("clip", AttributeProto::Type::number) != nullptr) {
    node.fail("has a clip, within which sums are held; Rondo has no such layer");
  }
  if (node.has(7)) node.fail("has peepholes (P), which lead from the cell state to the gates; Rondo has no such LSTM");
  if (node.has(4)) {
    node.fail("has sequence_lens, lengths of the rows' sequences as an input; Rondo takes them from a Masking layer");
  }
  const TensorProto &w = node.constant(1, "weights W"), &r = node.constant(2, "weights R");
  if (w.dims.size() != 3 || r.dims.size() != 3) node.fail("has weights that are not (directions, gates, inputs)");
  form.features = w.dims[2];
  form.units = r.dims[2];
  form.has_bias = node.has(3);
  if (form.units < 1 || form.features < 1 || node.integer("hidden_size", form.units) != form.units) {
    node.fail("has a hidden_size other than its weights");
  }
  return form;
}

// The sequence (batch, time, features), which may be one that was made backwards.
Traced sequence_of(const Node& node, const Form& form) {
  const Traced* given = node.if_traced(0);
  const bool is_turned = given != nullptr && given->backwards && given->symbols.size() == 1 && form.directions == 1;
  const Traced x = is_turned ? *given : node.import().arranged(node.traced(0));
  const std::vector<Index> axes = form.batch_first ? std::vector<Index>{0, 1, 2} : std::vector<Index>{1, 0, 2};
  if (x.axes == axes) return x;
  node.fail(std::string("takes a sequence whose axes are not ") +
            (form.batch_first ? "(batch, time, features)" : "(time, batch, features)"));
}

// h and c of each direction; none where they are zero.
std::vector<Symbol> states_of(const Node& node, const Form& form) {
  std::vector<std::vector<Symbol>> kinds;
  std::size_t zeros = 0;
  for (std::size_t kind = 0; kind < form.states(); ++kind) {
    const std::size_t operand = 5 + kind;
    kinds.emplace_back();
    if (!node.has(operand) || (node.if_traced(operand) == nullptr && node.is_zero(operand))) {
      ++zeros;
      continue;
    }
    const Traced* state = node.if_traced(operand);
    if (state == nullptr)
      node.fail("begins with a state other than zero that is in the file; Rondo takes it as an input");
    const Index direction = form.directions == 1 ? kOne : kDirections;
    const std::vector<Index> axes =
        form.batch_first ? std::vector<Index>{0, direction, 1} : std::vector<Index>{direction, 0, 1};
    if (state->axes != axes || state->symbols.size() != form.directions) {
      node.fail("takes a state whose axes are not (directions, batch, units)");
    }
    kinds.back() = state->symbols;
  }
  if (zeros == form.states()) return {};
  if (zeros > 0)
    node.fail("takes h or c as an input and begins with zeros for the other one, which Rondo's LSTM does not");
  std::vector<Symbol> states;
  for (std::size_t d = 0; d < form.directions; ++d) {
    for (const std::vector<Symbol>& kind : kinds) states.push_back(kind[d]);
  }
  return states;
}

// What a layer returns, as the operator's outputs.
struct Made {
  std::vector<Symbol> y, h, c;  // y: with return_sequences, else h
};

Made taken_apart(const Symbols& out, const Form& form, bool is_joined, const Returns& returns) {
  const std::size_t outputs = form.directions == 1 || is_joined ? 1 : 2;
  Made made;
  for (std::size_t i = 0; i < outputs; ++i) made.y.push_back(out[i]);
  if (!returns.states) return made;
  for (std::size_t d = 0; d < form.directions; ++d) {
    made.h.push_back(out[outputs + d * form.states()]);
    if (form.states() == 2) made.c.push_back(out[outputs + d * 2 + 1]);
  }
  return made;
}

void put_outputs(const Node& node, const Form& form, const Returns& returns, bool last_alone, const Made& made) {
  const Index direction = form.directions == 1 ? kOne : kDirections;
  const auto state_axes = form.batch_first ? std::vector<Index>{0, direction, 1} : std::vector<Index>{direction, 0, 1};
  const std::vector<Symbol>& h = made.h.empty() || !returns.sequences ? made.y : made.h;
  if (returns.sequences || last_alone) {
    Traced y{{}, form.batch_first ? std::vector<Index>{0, 1, direction, 2} : std::vector<Index>{1, direction, 0, 2}};
    if (returns.sequences) y.symbols = made.y;
    y.backwards = form.go_backwards;
    const bool has_last = form.directions == 1 && !form.go_backwards && (!returns.sequences || !made.h.empty());
    if (has_last) y.last = h[0];
    node.put(std::move(y), 0);
  }
  node.put(Traced{h, state_axes}, 1);
  if (!made.c.empty()) node.put(Traced{made.c, state_axes}, 2);
}

// Nodes that read the same weights and options are one layer.
std::string key_of(const Node& node, const Returns& returns, const std::string& mode) {
  std::string key = node.op() + (returns.sequences ? " sequences" : "") + (returns.states ? " states " : " ") + mode;
  for (std::size_t i = 1; i < 4 && i < node.operands(); ++i) key += " " + node.proto().inputs[i];
  for (const AttributeProto& a : node.proto().attributes) {
    key += " " + a.name + " " + a.s + " " + std::to_string(a.i);
    for (const float f : a.floats) key += " " + number_text(f);
    for (const std::string& s : a.strings) key += " " + s;
  }
  return key;
}

}  // namespace

void import_recurrent(const Node& node) {
  const Form form = form_of(node);
  (void)node.integer("output_sequence", 0);
  const std::vector<Functions> f = functions_of(node, form.directions);
  const Traced x = sequence_of(node, form);
  const bool go_backwards = form.go_backwards != x.backwards;  // over the symbol's steps
  const std::vector<Symbol> states = states_of(node, form);

  const Uses y = uses_of(node, 0);
  Returns returns{.sequences = y.whole || (y.last && (form.directions == 2 || form.go_backwards))};
  const bool reads_h = is_read(node, 1) || y.last;
  returns.states = is_read(node, 2) || (returns.sequences && reads_h);
  const bool is_joined = form.directions == 2 && (returns.sequences ? y.only_joined : uses_of(node, 1).only_joined);
  const std::string mode = form.directions == 1 ? "" : is_joined ? "concat" : "none";

  const Layer layer = node.import().layer(key_of(node, returns, mode + (go_backwards ? " backwards" : "")), [&] {
    return form.directions == 2
               ? both_directions(node, form, f, returns, mode)
               : one_direction(node, form, f[0], returns, go_backwards, node.layer_name(lower_case(form.op)));
  });
  std::vector<Symbol> from{x.symbols[0]};
  from.insert(from.end(), states.begin(), states.end());
  const Symbols out = layer(from);
  layer.set_weights(weights_of(node, form));
  put_outputs(node, form, returns, y.last, taken_apart(out, form, is_joined, returns));
}

}  // namespace rondo::onnx
