// Keras's elementwise activations and their slopes, beside each other, on vectors.
//
// Each struct has Value(d, x, p) and Slope(d, x, y, p), the derivative at x where y = Value(x). Formulas: Keras's
// activations.py. All let NaN pass: they compare and select instead of taking a minimum or maximum.

#if defined(RONDO_KERNELS_ACTIVATIONS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RONDO_KERNELS_ACTIVATIONS_INL_H_
#undef RONDO_KERNELS_ACTIVATIONS_INL_H_
#else
#define RONDO_KERNELS_ACTIVATIONS_INL_H_
#endif

#include <hwy/highway.h>

#include "kernels/activation.hpp"
#include "kernels/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class D>
HWY_INLINE hn::Vec<D> Constant(D d, double value) {
  return hn::Set(d, static_cast<hn::TFromD<D>>(value));
}

// x within [low, high]; NaN passes.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Clamp(D d, V x, double low, double high) {
  const V lo = Constant(d, low), hi = Constant(d, high);
  const V lower = hn::IfThenElse(hn::Lt(x, lo), lo, x);
  return hn::IfThenElse(hn::Gt(lower, hi), hi, lower);
}

// 1 where the condition holds, else 0.
template <class D, class M>
HWY_INLINE hn::Vec<D> Indicator(D d, M condition) {
  return hn::IfThenElseZero(condition, Constant(d, 1));
}

struct LinearFn {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D, V x, const Activation&) {
    return x;
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V, V, const Activation&) {
    return Constant(d, 1);
  }
};

struct ReluFn {  // x >= max: max; x > threshold: x; else slope * (x - threshold)
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V x, const Activation& p) {
    const V threshold = Constant(d, p.c), max = Constant(d, p.b);
    const V below = p.a == 0 ? hn::Zero(d) : hn::Mul(Constant(d, p.a), hn::Sub(x, threshold));
    const V y = hn::IfThenElse(hn::Le(x, threshold), below, x);
    return hn::IfThenElse(hn::Ge(x, max), max, y);
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V x, V, const Activation& p) {
    const V y = hn::IfThenElse(hn::Le(x, Constant(d, p.c)), Constant(d, p.a), Constant(d, 1));
    return hn::IfThenElse(hn::Ge(x, Constant(d, p.b)), hn::Zero(d), y);
  }
};

struct EluFn {  // x > 0: x; else a (e^x - 1)
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V x, const Activation& p) {
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, hn::Mul(Constant(d, p.a), Expm1(d, x)));
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V x, V, const Activation& p) {
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), Constant(d, 1), hn::Mul(Constant(d, p.a), Exp(d, x)));
  }
};

struct CeluFn {  // x > 0: x; else a (e^(x/a) - 1)
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V x, const Activation& p) {
    const V a = Constant(d, p.a);
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, hn::Mul(a, Expm1(d, hn::Div(x, a))));
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V x, V, const Activation& p) {
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), Constant(d, 1), Exp(d, hn::Div(x, Constant(d, p.a))));
  }
};

struct SeluFn {  // s * elu(alpha), Klambauer et al. 2017
  static constexpr double kAlpha = 1.6732632423543772, kScale = 1.0507009873554805;
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V x, const Activation&) {
    const V negative = hn::Mul(Constant(d, kAlpha), Expm1(d, x));
    return hn::Mul(Constant(d, kScale), hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, negative));
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V x, V, const Activation&) {
    const V negative = hn::Mul(Constant(d, kScale * kAlpha), Exp(d, x));
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), Constant(d, kScale), negative);
  }
};

struct SoftplusFn {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V x, const Activation&) {
    return Softplus(d, x);
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V x, V, const Activation&) {
    return Sigmoid(d, x);
  }
};

struct SoftsignFn {  // x / (1 + |x|)
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V x, const Activation&) {
    return hn::Div(x, hn::Add(Constant(d, 1), hn::Abs(x)));
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V x, V, const Activation&) {
    const V u = hn::Add(Constant(d, 1), hn::Abs(x));
    return hn::Div(Constant(d, 1), hn::Mul(u, u));
  }
};

struct SquareplusFn {  // (x + sqrt(x^2 + b)) / 2
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V x, const Activation& p) {
    return hn::Mul(Constant(d, 0.5), hn::Add(x, hn::Sqrt(Fma(d, x, x, Constant(d, p.a)))));
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V x, V, const Activation& p) {
    const V root = hn::Sqrt(Fma(d, x, x, Constant(d, p.a)));
    return hn::Mul(Constant(d, 0.5), hn::Add(Constant(d, 1), hn::Div(x, root)));
  }
};

struct SoftShrinkFn {  // x > t: x - t; x < -t: x + t; else 0
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V x, const Activation& p) {
    const V shrunk = hn::CopySign(hn::Sub(hn::Abs(x), Constant(d, p.a)), x);
    return hn::IfThenElse(hn::Le(hn::Abs(x), Constant(d, p.a)), hn::Zero(d), shrunk);
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V x, V, const Activation& p) {
    return Indicator(d, hn::Gt(hn::Abs(x), Constant(d, p.a)));
  }
};

struct HardShrinkFn {  // |x| > t: x; else 0
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V x, const Activation& p) {
    return hn::IfThenElse(hn::Le(hn::Abs(x), Constant(d, p.a)), hn::Zero(d), x);
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V x, V, const Activation& p) {
    return Indicator(d, hn::Gt(hn::Abs(x), Constant(d, p.a)));
  }
};

struct ThresholdFn {  // x > t: x; else the default value
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V x, const Activation& p) {
    return hn::IfThenElse(hn::Le(x, Constant(d, p.a)), Constant(d, p.b), x);
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V x, V, const Activation& p) {
    return Indicator(d, hn::Gt(x, Constant(d, p.a)));
  }
};

struct SparsePlusFn {  // x <= -1: 0; x >= 1: x; else (x + 1)^2 / 4
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V x, const Activation&) {
    const V u = hn::Add(x, Constant(d, 1));
    const V middle = hn::Mul(Constant(d, 0.25), hn::Mul(u, u));
    const V y = hn::IfThenElse(hn::Ge(x, Constant(d, 1)), x, middle);
    return hn::IfThenElse(hn::Le(x, Constant(d, -1)), hn::Zero(d), y);
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V x, V, const Activation&) {
    return Clamp(d, hn::Mul(Constant(d, 0.5), hn::Add(x, Constant(d, 1))), 0, 1);
  }
};

struct SparseSigmoidFn {  // (x + 1) / 2 within [0, 1]
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V x, const Activation&) {
    return Clamp(d, hn::Mul(Constant(d, 0.5), hn::Add(x, Constant(d, 1))), 0, 1);
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V x, V, const Activation&) {
    return hn::Mul(Constant(d, 0.5), Indicator(d, hn::Lt(hn::Abs(x), Constant(d, 1))));
  }
};

struct SiluFn {  // x sigmoid(x)
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V x, const Activation&) {
    // At -inf the product would be -inf * 0.
    const V y = hn::Mul(x, Sigmoid(d, x));
    return hn::IfThenElse(hn::Lt(x, Constant(d, -1e4)), hn::Zero(d), y);
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V x, V y, const Activation&) {
    const V s = Sigmoid(d, x);
    return Fma(d, y, hn::Sub(Constant(d, 1), s), s);
  }
};

struct GeluFn {  // x/2 (1 + erf(x / sqrt 2))
  static constexpr double kSqrtHalf = 0.70710678118654752440, kInvSqrtTwoPi = 0.39894228040143267794;
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Phi(D d, V x) {
    return hn::Mul(Constant(d, 0.5), hn::Add(Constant(d, 1), Erf(d, hn::Mul(x, Constant(d, kSqrtHalf)))));
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V x, const Activation&) {
    return hn::IfThenElse(hn::Lt(x, Constant(d, -1e4)), hn::Zero(d), hn::Mul(x, Phi(d, x)));
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V x, V, const Activation&) {
    const V density = hn::Mul(Constant(d, kInvSqrtTwoPi), Exp(d, hn::Mul(Constant(d, -0.5), hn::Mul(x, x))));
    return Fma(d, x, density, Phi(d, x));
  }
};

struct GeluTanhFn {  // x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
  static constexpr double kSqrtTwoOverPi = 0.79788456080286535588, kCubic = 0.044715;
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Inner(D d, V x) {
    const V cubic = hn::Mul(hn::Mul(x, x), Constant(d, kCubic));
    return Tanh(d, hn::Mul(Constant(d, kSqrtTwoOverPi), Fma(d, cubic, x, x)));
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V x, const Activation&) {
    const V y = hn::Mul(hn::Mul(Constant(d, 0.5), x), hn::Add(Constant(d, 1), Inner(d, x)));
    return hn::IfThenElse(hn::Lt(x, Constant(d, -1e4)), hn::Zero(d), y);
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V x, V, const Activation&) {
    const V t = Inner(d, x);
    const V inner_slope = Fma(d, hn::Mul(x, x), Constant(d, 3 * kCubic), Constant(d, 1));
    const V slope_t = hn::Mul(hn::Mul(Constant(d, kSqrtTwoOverPi), inner_slope), FmaNegMul(d, t, t, Constant(d, 1)));
    return hn::Mul(Constant(d, 0.5), Fma(d, x, slope_t, hn::Add(Constant(d, 1), t)));
  }
};

struct TanhFn {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V x, const Activation&) {
    return Tanh(d, x);
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V, V y, const Activation&) {
    return FmaNegMul(d, y, y, Constant(d, 1));
  }
};

struct TanhShrinkFn {  // x - tanh(x)
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V x, const Activation&) {
    return hn::Sub(x, Tanh(d, x));
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V x, V, const Activation&) {
    const V t = Tanh(d, x);
    return hn::Mul(t, t);
  }
};

struct SigmoidFn {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V x, const Activation&) {
    return Sigmoid(d, x);
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V, V y, const Activation&) {
    return hn::Mul(y, hn::Sub(Constant(d, 1), y));
  }
};

struct ExponentialFn {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V x, const Activation&) {
    return Exp(d, x);
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D, V, V y, const Activation&) {
    return y;
  }
};

struct HardSigmoidFn {  // relu6(x + 3) / 6
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V x, const Activation&) {
    return hn::Div(Clamp(d, hn::Add(x, Constant(d, 3)), 0, 6), Constant(d, 6));
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V x, V, const Activation&) {
    return hn::Mul(Constant(d, 1.0 / 6), Indicator(d, hn::Lt(hn::Abs(x), Constant(d, 3))));
  }
};

struct HardSigmoid2Fn {  // x / 5 + 1/2 within [0, 1]
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V x, const Activation&) {
    return Clamp(d, Fma(d, Constant(d, 0.2), x, Constant(d, 0.5)), 0, 1);
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V x, V, const Activation&) {
    return hn::Mul(Constant(d, 0.2), Indicator(d, hn::Lt(hn::Abs(x), Constant(d, 2.5))));
  }
};

struct HardSiluFn {  // x hard_sigmoid(x)
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V x, const Activation& p) {
    return hn::IfThenElse(hn::Le(x, Constant(d, -3)), hn::Zero(d), hn::Mul(x, HardSigmoidFn::Value(d, x, p)));
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V x, V y, const Activation& p) {
    const V ramp = Fma(d, x, HardSigmoidFn::Slope(d, x, y, p), HardSigmoidFn::Value(d, x, p));
    return hn::IfThenElse(hn::Ge(x, Constant(d, 3)), Constant(d, 1), ramp);
  }
};

struct HardTanhFn {  // x within [-1, 1]
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V x, const Activation&) {
    return Clamp(d, x, -1, 1);
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V x, V, const Activation&) {
    return Indicator(d, hn::Lt(hn::Abs(x), Constant(d, 1)));
  }
};

struct MishFn {  // x tanh(softplus(x))
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V x, const Activation&) {
    const V y = hn::Mul(x, Tanh(d, Softplus(d, x)));
    return hn::IfThenElse(hn::Lt(x, Constant(d, -1e4)), hn::Zero(d), y);
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V x, V, const Activation&) {
    const V t = Tanh(d, Softplus(d, x));
    return Fma(d, hn::Mul(x, Sigmoid(d, x)), FmaNegMul(d, t, t, Constant(d, 1)), t);
  }
};

struct LogSigmoidFn {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Value(D d, V x, const Activation&) {
    return LogSigmoid(d, x);
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Slope(D d, V x, V, const Activation&) {
    return Sigmoid(d, hn::Neg(x));
  }
};

// Calls f(Fn()) with the struct of an elementwise kind. To add one: a kind in activation.hpp, a struct above, a line
// here, and its name in layers/parts/activations.cpp.
template <class F>
HWY_INLINE void WithElementwise(ActivationKind kind, F&& f) {
  switch (kind) {
    case ActivationKind::relu: return f(ReluFn());
    case ActivationKind::elu: return f(EluFn());
    case ActivationKind::celu: return f(CeluFn());
    case ActivationKind::selu: return f(SeluFn());
    case ActivationKind::softplus: return f(SoftplusFn());
    case ActivationKind::softsign: return f(SoftsignFn());
    case ActivationKind::squareplus: return f(SquareplusFn());
    case ActivationKind::soft_shrink: return f(SoftShrinkFn());
    case ActivationKind::hard_shrink: return f(HardShrinkFn());
    case ActivationKind::threshold: return f(ThresholdFn());
    case ActivationKind::sparse_plus: return f(SparsePlusFn());
    case ActivationKind::sparse_sigmoid: return f(SparseSigmoidFn());
    case ActivationKind::silu: return f(SiluFn());
    case ActivationKind::gelu: return f(GeluFn());
    case ActivationKind::gelu_tanh: return f(GeluTanhFn());
    case ActivationKind::tanh: return f(TanhFn());
    case ActivationKind::tanh_shrink: return f(TanhShrinkFn());
    case ActivationKind::sigmoid: return f(SigmoidFn());
    case ActivationKind::exponential: return f(ExponentialFn());
    case ActivationKind::hard_sigmoid: return f(HardSigmoidFn());
    case ActivationKind::hard_sigmoid_2: return f(HardSigmoid2Fn());
    case ActivationKind::hard_silu: return f(HardSiluFn());
    case ActivationKind::hard_tanh: return f(HardTanhFn());
    case ActivationKind::mish: return f(MishFn());
    case ActivationKind::log_sigmoid: return f(LogSigmoidFn());
    case ActivationKind::linear:
    case ActivationKind::softmax:
    case ActivationKind::log_softmax:
    case ActivationKind::sparsemax:
    case ActivationKind::glu: return f(LinearFn());
  }
}

// One vector through an activation chosen at run time.
template <class D, class V = hn::Vec<D>>
HWY_NOINLINE V ActivationValue(D d, V x, const Activation& p) {
  V y = x;
  WithElementwise(p.kind, [&](auto fn) HWY_ATTR { y = decltype(fn)::Value(d, x, p); });
  return y;
}

template <class D, class V = hn::Vec<D>>
HWY_NOINLINE V ActivationSlope(D d, V x, V y, const Activation& p) {
  V slope = x;
  WithElementwise(p.kind, [&](auto fn) HWY_ATTR { slope = decltype(fn)::Slope(d, x, y, p); });
  return slope;
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
