#include "support/plain/lstm.hpp"

#include "support/plain/steps.hpp"

namespace plain {

namespace {

// The factors of input k and unit v in column j.
double of_x(const LstmCall& call, Size b, Size k, Size j) {
  return factor(call.x_factors, b, k, call.weights.inputs, j / call.weights.units, 4);
}
double of_h(const LstmCall& call, Size b, Size v, Size j) {
  return factor(call.h_factors, b, v, call.weights.units, j / call.weights.units, 4);
}

// z of one row and step: 4 units.
Array gate_sums(const LstmCall& call, const LstmForward& f, Size b, Size t) {
  const LstmWeights& w = call.weights;
  const Size columns = 4 * w.units;
  Array z = w.bias.empty() ? Array(columns, 0.0) : w.bias;
  for (Size k = 0; k < w.inputs; ++k) {
    const double x = call.x[(b * call.steps + time_of(call, t)) * w.inputs + k];
    for (Size j = 0; j < columns; ++j) z[j] += x * of_x(call, b, k, j) * w.kernel[k * columns + j];
  }
  for (Size v = 0; v < w.units; ++v) {
    const double h = before(f.h, call.initial_h, call, b, t, v);
    for (Size j = 0; j < columns; ++j) z[j] += h * of_h(call, b, v, j) * w.recurrent_kernel[v * columns + j];
  }
  return z;
}

}  // namespace

LstmForward lstm_forward(const LstmCall& call) {
  const Size units = call.weights.units, cells = call.batch * call.steps * units;
  const Activation &a = call.options.activation, &r = call.options.recurrent_activation;
  LstmForward f{.outputs = Array(cells),
                .final_h = Array(call.batch * units),
                .final_c = Array(call.batch * units),
                .z = Array(4 * cells),
                .h = Array(cells),
                .c = Array(cells)};
  for (Size b = 0; b < call.batch; ++b) {
    for (Size t = 0; t < call.steps; ++t) {
      const Array z = gate_sums(call, f, b, t);
      for (Size u = 0; u < units; ++u) {
        double h = before(f.h, call.initial_h, call, b, t, u);
        double c = before(f.c, call.initial_c, call, b, t, u);
        if (counts(call, b, t)) {
          c = value(r, z[units + u]) * c + value(r, z[u]) * value(a, z[2 * units + u]);
          h = value(r, z[3 * units + u]) * value(a, c);
        }
        const Size at = (b * call.steps + t) * units + u;
        f.h[at] = f.final_h[b * units + u] = h;
        f.c[at] = f.final_c[b * units + u] = c;
        f.outputs[at] = shows_state(call, b, t) ? h : 0;
      }
      for (Size j = 0; j < 4 * units; ++j) f.z[(b * call.steps + t) * 4 * units + j] = z[j];
    }
  }
  return f;
}

LstmGradients lstm_backward(const LstmCall& call, const LstmForward& f, const Array& d_outputs, const Array& d_final_h,
                            const Array& d_final_c) {
  const LstmWeights& w = call.weights;
  const Size units = w.units, columns = 4 * units;
  const Activation &a = call.options.activation, &r = call.options.recurrent_activation;
  LstmGradients d{.x = Array(call.x.size(), 0.0),
                  .kernel = Array(w.kernel.size(), 0.0),
                  .recurrent_kernel = Array(w.recurrent_kernel.size(), 0.0),
                  .bias = Array(w.bias.size(), 0.0),
                  .initial_h = d_final_h.empty() ? Array(call.batch * units, 0.0) : d_final_h,
                  .initial_c = d_final_c.empty() ? Array(call.batch * units, 0.0) : d_final_c};
  // d.initial_h and d.initial_c hold the gradients of h and c after step t, from the last one down to the initial
  // state.
  for (Size b = 0; b < call.batch; ++b) {
    double* dh = d.initial_h.data() + b * units;
    double* dc = d.initial_c.data() + b * units;
    for (Size t = call.steps; t-- > 0;) {
      const Size row = b * call.steps + t;
      for (Size u = 0; u < units && !d_outputs.empty() && shows_state(call, b, t); ++u) {
        dh[u] += d_outputs[row * units + u];
      }
      if (!counts(call, b, t)) continue;  // the states pass through, and so do their gradients

      Array dz(columns);
      for (Size u = 0; u < units; ++u) {
        const double* z = f.z.data() + row * columns + u;
        const double zi = z[0], zf = z[units], zg = z[2 * units], zo = z[3 * units];
        const double c = f.c[row * units + u], c_before = before(f.c, call.initial_c, call, b, t, u);
        const double d_c = dc[u] + dh[u] * value(r, zo) * slope(a, c);
        dz[u] = d_c * value(a, zg) * slope(r, zi);
        dz[units + u] = d_c * c_before * slope(r, zf);
        dz[2 * units + u] = d_c * value(r, zi) * slope(a, zg);
        dz[3 * units + u] = dh[u] * value(a, c) * slope(r, zo);
        dc[u] = d_c * value(r, zf);
      }

      for (Size j = 0; j < columns && !w.bias.empty(); ++j) d.bias[j] += dz[j];
      for (Size k = 0; k < w.inputs; ++k) {
        const Size at = (b * call.steps + time_of(call, t)) * w.inputs + k;
        for (Size j = 0; j < columns; ++j) {
          d.kernel[k * columns + j] += call.x[at] * of_x(call, b, k, j) * dz[j];
          d.x[at] += dz[j] * of_x(call, b, k, j) * w.kernel[k * columns + j];
        }
      }
      for (Size v = 0; v < units; ++v) {
        const double h_before = before(f.h, call.initial_h, call, b, t, v);
        dh[v] = 0;
        for (Size j = 0; j < columns; ++j) {
          d.recurrent_kernel[v * columns + j] += h_before * of_h(call, b, v, j) * dz[j];
          dh[v] += dz[j] * of_h(call, b, v, j) * w.recurrent_kernel[v * columns + j];
        }
      }
    }
  }
  return d;
}

}  // namespace plain
