#include "support/plain/gru.hpp"

#include "support/plain/steps.hpp"

namespace plain {

namespace {

// One row in one step.
struct Step {
  Array h;  // before the step
  Array z_sum, r_sum, g_sum;
  Array p;  // the state's part of g_sum, which r multiplies (with reset_after)
};

// The factors of input k and unit v in column j.
double of_x(const GruCall& call, Size b, Size k, Size j) {
  return factor(call.x_factors, b, k, call.weights.inputs, j / call.weights.units, 3);
}
double of_h(const GruCall& call, Size b, Size v, Size j) {
  return factor(call.h_factors, b, v, call.weights.units, j / call.weights.units, 3);
}

// Column j of h R, or of (r h) R, of row b.
double times_recurrent(const GruCall& call, Size b, const Array& h, Size column) {
  const GruWeights& w = call.weights;
  double sum = 0;
  for (Size v = 0; v < w.units; ++v) {
    sum += h[v] * of_h(call, b, v, column) * w.recurrent_kernel[v * 3 * w.units + column];
  }
  return sum;
}

Step step_of(const GruCall& call, const GruForward& f, Size b, Size t) {
  const GruWeights& w = call.weights;
  const Size units = w.units;
  const Activation& r = call.options.recurrent_activation;
  Step s{.h = Array(units), .z_sum = Array(units), .r_sum = Array(units), .g_sum = Array(units), .p = Array(units)};
  for (Size u = 0; u < units; ++u) s.h[u] = before(f.h, call.initial_h, call, b, t, u);
  const auto input_sum = [&](Size column) {
    double sum = w.bias.empty() ? 0 : w.bias[column];
    for (Size k = 0; k < w.inputs; ++k) {
      const double x = call.x[(b * call.steps + time_of(call, t)) * w.inputs + k];
      sum += x * of_x(call, b, k, column) * w.kernel[k * 3 * units + column];
    }
    return sum;
  };
  const auto recurrent_bias = [&](Size column) {
    return call.options.reset_after && !w.bias.empty() ? w.bias[3 * units + column] : 0;
  };
  for (Size u = 0; u < units; ++u) {
    s.z_sum[u] = input_sum(u) + times_recurrent(call, b, s.h, u) + recurrent_bias(u);
    s.r_sum[u] = input_sum(units + u) + times_recurrent(call, b, s.h, units + u) + recurrent_bias(units + u);
  }
  Array reset_h(units);
  for (Size u = 0; u < units; ++u) reset_h[u] = value(r, s.r_sum[u]) * s.h[u];
  for (Size u = 0; u < units; ++u) {
    const Size column = 2 * units + u;
    if (call.options.reset_after) {
      s.p[u] = times_recurrent(call, b, s.h, column) + recurrent_bias(column);
      s.g_sum[u] = input_sum(column) + value(r, s.r_sum[u]) * s.p[u];
    } else {
      s.g_sum[u] = input_sum(column) + times_recurrent(call, b, reset_h, column);
    }
  }
  return s;
}

}  // namespace

GruForward gru_forward(const GruCall& call) {
  const Size units = call.weights.units, cells = call.batch * call.steps * units;
  const Activation &a = call.options.activation, &r = call.options.recurrent_activation;
  GruForward f{.outputs = Array(cells), .final_h = Array(call.batch * units), .h = Array(cells)};
  for (Size b = 0; b < call.batch; ++b) {
    for (Size t = 0; t < call.steps; ++t) {
      const Step s = step_of(call, f, b, t);
      for (Size u = 0; u < units; ++u) {
        double h = s.h[u];
        if (counts(call, b, t)) {
          const double z = value(r, s.z_sum[u]);
          h = z * h + (1 - z) * value(a, s.g_sum[u]);
        }
        const Size at = (b * call.steps + t) * units + u;
        f.h[at] = f.final_h[b * units + u] = h;
        f.outputs[at] = shows_state(call, b, t) ? h : 0;
      }
    }
  }
  return f;
}

GruGradients gru_backward(const GruCall& call, const GruForward& f, const Array& d_outputs, const Array& d_final_h) {
  const GruWeights& w = call.weights;
  const Size units = w.units, columns = 3 * units;
  const Activation &a = call.options.activation, &r = call.options.recurrent_activation;
  const bool after = call.options.reset_after;
  GruGradients d{.x = Array(call.x.size(), 0.0),
                 .kernel = Array(w.kernel.size(), 0.0),
                 .recurrent_kernel = Array(w.recurrent_kernel.size(), 0.0),
                 .bias = Array(w.bias.size(), 0.0),
                 .initial_h = d_final_h.empty() ? Array(call.batch * units, 0.0) : d_final_h};
  // d.initial_h holds the gradient of h after step t, from the last one down to the initial state.
  for (Size b = 0; b < call.batch; ++b) {
    double* dh = d.initial_h.data() + b * units;
    for (Size t = call.steps; t-- > 0;) {
      const Size row = b * call.steps + t;
      for (Size u = 0; u < units && !d_outputs.empty() && shows_state(call, b, t); ++u) {
        dh[u] += d_outputs[row * units + u];
      }
      if (!counts(call, b, t)) continue;  // the state passes through, and so does its gradient

      const Step s = step_of(call, f, b, t);
      Array dx(columns), dp(columns);                 // of the sums' two parts: x K + b, and h R + c or (r h) R
      Array dh_before(units), multiplied(units * 3);  // what rows of R were multiplied with, gate by gate
      for (Size u = 0; u < units; ++u) {
        const double z = value(r, s.z_sum[u]), g = value(a, s.g_sum[u]);
        const double dg = dh[u] * (1 - z) * slope(a, s.g_sum[u]);
        dx[u] = dp[u] = dh[u] * (s.h[u] - g) * slope(r, s.z_sum[u]);
        dx[2 * units + u] = dg;
        dp[2 * units + u] = after ? dg * value(r, s.r_sum[u]) : dg;
        dh_before[u] = dh[u] * z;
        multiplied[u] = multiplied[units + u] = s.h[u];
        multiplied[2 * units + u] = after ? s.h[u] : value(r, s.r_sum[u]) * s.h[u];
      }
      for (Size v = 0; v < units; ++v) {
        double d_r = dx[2 * units + v] * s.p[v];
        if (!after) {
          double dq = 0;  // of r h
          for (Size u = 0; u < units; ++u) {
            const Size j = 2 * units + u;
            dq += dp[j] * of_h(call, b, v, j) * w.recurrent_kernel[v * columns + j];
          }
          d_r = dq * s.h[v];
          dh_before[v] += dq * value(r, s.r_sum[v]);
        }
        dx[units + v] = dp[units + v] = d_r * slope(r, s.r_sum[v]);
      }

      for (Size j = 0; j < columns && !w.bias.empty(); ++j) {
        d.bias[j] += dx[j];
        if (after) d.bias[columns + j] += dp[j];
      }
      for (Size k = 0; k < w.inputs; ++k) {
        const Size at = (b * call.steps + time_of(call, t)) * w.inputs + k;
        for (Size j = 0; j < columns; ++j) {
          d.kernel[k * columns + j] += call.x[at] * of_x(call, b, k, j) * dx[j];
          d.x[at] += dx[j] * of_x(call, b, k, j) * w.kernel[k * columns + j];
        }
      }
      for (Size v = 0; v < units; ++v) {
        for (Size j = 0; j < columns; ++j) {
          d.recurrent_kernel[v * columns + j] += multiplied[j / units * units + v] * of_h(call, b, v, j) * dp[j];
        }
        for (Size j = 0; j < (after ? columns : 2 * units); ++j) {
          dh_before[v] += dp[j] * of_h(call, b, v, j) * w.recurrent_kernel[v * columns + j];
        }
      }
      for (Size u = 0; u < units; ++u) dh[u] = dh_before[u];
    }
  }
  return d;
}

}  // namespace plain
