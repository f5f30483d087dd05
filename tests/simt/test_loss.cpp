// Losses of pairs, of labels and of signs against loops over long doubles: values, gradients, sums and means, weights
// that repeat, and what becomes of wrong targets.
#include <algorithm>
#include <string>
#include <vector>

#include "../cpp/check.h"
#include "cuda/device.h"
#include "ops/loss.h"
#include "simt/comparison.h"

namespace {

using fastnn::AxisView, fastnn::Pointwise, fastnn::Reduction;
using simt::close, simt::Exact;

constexpr Reduction reductions[] = {Reduction::mean, Reduction::sum, Reduction::none};

struct Term {
  Exact value, slope;
  Exact size = 0;  // of what the slope is the difference of
};

Exact sign(Exact d) { return d > 0 ? 1 : d < 0 ? -1 : 0; }

Term exactly(Pointwise kind, Exact x, Exact t, Exact parameter) {
  const Exact d = x - t, size = std::fabs(d);
  switch (kind) {
    case Pointwise::mse:
      return {d * d, 2 * d};
    case Pointwise::l1:
      return {size, sign(d)};
    case Pointwise::huber:
      if (size < parameter) return {d * d / 2, d};
      return {parameter * (size - parameter / 2), parameter * sign(d)};
    case Pointwise::smooth_l1:
      if (size < parameter) return {d * d / 2 / parameter, d / parameter};
      return {size - parameter / 2, sign(d)};
    case Pointwise::bce_with_logits: {
      const Exact p = 1 / (1 + std::exp(-x)), q = 1 / (1 + std::exp(x));
      return {-(parameter * t * std::log(p) + (1 - t) * std::log(q)), (1 - t) * p - parameter * t * q,
              (1 - t) * p + parameter * t * q};
    }
    case Pointwise::hinge:
      break;
  }
  return {std::fmax(1 - t * x, Exact{0}), t * x < 1 ? -t : Exact{0}};
}

struct Case {
  Pointwise kind;
  int64_t n;
  Reduction reduction;
  int64_t offset = 0, weight_period = 0, pos_weight_period = 0;
  double parameter = 1.0;
};

template <class T>
struct Pairs {
  explicit Pairs(const Case& c)
      : x(c.n, simt::noise, c.offset),
        t(
            c.n,
            [&](int64_t i) {
              if (c.kind == Pointwise::bce_with_logits) return (simt::noise(i + 40) + 4) / 8;
              return c.kind == Pointwise::hinge ? static_cast<double>(i % 3 == 0) * 2 - 1 : simt::noise(i + 40);
            },
            c.offset),
        weight(c.weight_period, [](int64_t i) { return 0.5 + static_cast<double>(i % 5); }),
        pos_weight(c.pos_weight_period, [](int64_t i) { return 0.25 + static_cast<double>(i % 7); }),
        losses(c.n, c.offset),
        grad(c.n, c.offset) {}

  simt::Array<T> x, t, weight, pos_weight, losses, grad;
  double reduced = -1;

  void run(const Case& c, T* to) {
    const bool all = c.reduction == Reduction::none;
    fastnn::cuda::pointwise_loss<T>(c.kind,
                                    {c.n,
                                     x.data(),
                                     t.data(),
                                     {c.weight_period ? weight.data() : nullptr, c.weight_period},
                                     {c.pos_weight_period ? pos_weight.data() : nullptr, c.pos_weight_period}},
                                    {c.reduction, c.parameter}, all ? losses.data() : nullptr, to,
                                    all ? nullptr : &reduced);
  }
};

template <class T>
void check_pointwise(const Case& c) {
  Pairs<T> pairs(c), without_grad(c), in_place(c);
  pairs.run(c, pairs.grad.data());
  without_grad.run(c, nullptr);
  in_place.run(c, in_place.x.data());
  CHECK(same_bits(pairs.grad, in_place.x));
  const Exact divisor = c.reduction == Reduction::mean ? static_cast<Exact>(c.n) : 1;
  Exact sum = 0;
  for (int64_t i = 0; i < c.n; ++i) {
    const Exact weight = c.weight_period ? static_cast<Exact>(pairs.weight[i % c.weight_period]) : 1;
    const Exact parameter =
        c.pos_weight_period ? static_cast<Exact>(pairs.pos_weight[i % c.pos_weight_period]) : Exact{c.parameter};
    const Term term = exactly(c.kind, pairs.x[i], pairs.t[i], parameter);
    // A difference of 1 and a product is rounded as they are.
    const Exact floor = c.kind == Pointwise::hinge ? 4 : c.kind == Pointwise::smooth_l1 || c.kind == Pointwise::huber;
    if (c.reduction == Reduction::none) {
      CHECK(close(pairs.losses[i], weight * term.value, 12, floor));
      CHECK(simt::same_bits(pairs.losses[i], without_grad.losses[i]));
    }
    CHECK(close(pairs.grad[i], weight * term.slope / divisor, 12, weight * term.size / divisor));
    sum += weight * term.value;
  }
  if (c.reduction == Reduction::none) return;
  CHECK(close(static_cast<T>(pairs.reduced), sum / divisor, 12));
  CHECK(simt::same_bits(pairs.reduced, without_grad.reduced));
  if (c.offset != 0) return;
  Case shifted = c;
  shifted.offset = 1;
  Pairs<T> odd(shifted);
  odd.run(shifted, odd.grad.data());
  CHECK(simt::same_bits(pairs.reduced, odd.reduced));
}

template <class T>
void check_all_pointwise() {
  const Pointwise kinds[] = {
      Pointwise::mse,  Pointwise::l1, Pointwise::huber, Pointwise::smooth_l1, Pointwise::bce_with_logits,
      Pointwise::hinge};
  for (const Pointwise kind : kinds) {
    for (const Reduction reduction : reductions) {
      for (const int64_t n : {0, 1, 3, 4, 5, 1023}) check_pointwise<T>({kind, n, reduction, n % 2});
      check_pointwise<T>({kind, 9001, reduction});  // by several blocks
      const bool scaled = kind == Pointwise::huber || kind == Pointwise::smooth_l1;
      if (scaled) check_pointwise<T>({.kind = kind, .n = 50, .reduction = reduction, .parameter = 0.7});
    }
  }
  for (const int64_t period : {1, 3, 4, 7, 50, 210}) {
    for (const Reduction reduction : reductions) {
      check_pointwise<T>({Pointwise::bce_with_logits, 210, reduction, period % 2, period, 210 / period});
      check_pointwise<T>({Pointwise::bce_with_logits, 210, reduction, 0, 0, period});
      check_pointwise<T>({Pointwise::bce_with_logits, 210, reduction, 0, period, 0});
    }
  }
}

template <class T>
void check_pointwise_corners() {
  // smooth_l1 with beta 0 is l1; NaN stays NaN but for l1's sign of it.
  Case c{.kind = Pointwise::smooth_l1, .n = 9, .reduction = Reduction::none, .parameter = 0.0};
  Pairs<T> smooth(c), plain(c);
  smooth.x[3] = plain.x[3] = simt::nan<T>;
  smooth.run(c, smooth.grad.data());
  c.kind = Pointwise::l1;
  plain.run(c, plain.grad.data());
  CHECK(same_bits(smooth.losses, plain.losses));
  CHECK(same_bits(smooth.grad, plain.grad));
  CHECK(plain.grad[3] == 0);
  for (const Pointwise kind : {Pointwise::mse, Pointwise::huber, Pointwise::bce_with_logits, Pointwise::hinge}) {
    c = {kind, 9, Reduction::none};
    Pairs<T> pairs(c);
    pairs.x[4] = simt::nan<T>;
    pairs.run(c, pairs.grad.data());
    CHECK(std::isnan(pairs.losses[4]));
    CHECK(std::isnan(pairs.grad[4]) == (kind != Pointwise::hinge));
  }
  // Far out: nothing overflows, and good predictions keep their digits.
  c = {Pointwise::bce_with_logits, 4, Reduction::none};
  Pairs<T> pairs(c);
  for (int64_t i = 0; i < 4; ++i) {
    pairs.x[i] = static_cast<T>(i < 2 ? 80 : -1e4);
    pairs.t[i] = static_cast<T>(i % 2);
  }
  pairs.run(c, pairs.grad.data());
  for (int64_t i = 0; i < 4; ++i) {
    const Exact z = i % 2 ? -static_cast<Exact>(pairs.x[i]) : static_cast<Exact>(pairs.x[i]);  // the wrong way
    CHECK(close(pairs.losses[i], z > 0 ? z + std::log1p(std::exp(-z)) : std::log1p(std::exp(z)), 8));
    CHECK(close(pairs.grad[i], (i % 2 ? -1 : 1) / (1 + std::exp(-z)), 8));
  }
}

std::string message_of_synchronize() {
  try {
    fastnn::cuda::synchronize();
  } catch (const std::invalid_argument& error) {
    return error.what();
  } catch (const std::out_of_range& error) {
    return error.what();
  }
  return "";
}

// "." for -1, "0" and "1", "x" for 2.
template <class Source, class T>
std::string resolve(const std::string& text, simt::Array<T>& signs) {
  const int64_t shape[] = {static_cast<int64_t>(text.size()), 1};
  const auto value = [&](int64_t i) {
    const char c = text[static_cast<size_t>(i)];
    return c == '.' ? -1 : c == 'x' ? 2 : c - '0';
  };
  simt::Array<Source> target(shape[0], value);
  fastnn::cuda::resolve_signs<Source, T>("hinge_loss", target.data(), shape, signs.data());
  return message_of_synchronize();
}

template <class Source, class T>
void check_signs() {
  simt::Array<T> signs(6), longer(7);
  CHECK((resolve<Source, T>("110101", signs).empty()));
  for (int64_t i = 0; i < 6; ++i) CHECK(signs[i] == (i == 2 || i == 4 ? -1 : 1));
  CHECK((resolve<Source, T>("..1..1", signs).empty()));
  for (int64_t i = 0; i < 6; ++i) CHECK(signs[i] == (i == 2 || i == 5 ? 1 : -1));
  const std::string start = "[hinge_loss] expected target in {-1, 1} or in {0, 1}, got ";
  CHECK((resolve<Source, T>("1.1x0", signs) == start + "2 at position (3, 0)"));
  CHECK(std::isnan(signs[3]) && signs[4] == -1);
  CHECK((resolve<Source, T>("1.10x", signs) == start + "0 after a -1 at position (3, 0)"));
  CHECK((resolve<Source, T>("10111..", longer) == start + "-1 after a 0 at position (5, 0)"));
  // Found by different blocks.
  std::string many(9000, '1');
  many[8500] = '0';
  simt::Array<T> more(9000);
  CHECK((resolve<Source, T>(many, more).empty()));
  many[4200] = '.';
  CHECK((resolve<Source, T>(many, more) == start + "0 after a -1 at position (8500, 0)"));
}

template <class T>
struct Labelled {
  AxisView view;
  bool weighted;
  Reduction reduction;
  simt::Array<T> x, weight, losses, grad;
  simt::Array<int64_t> labels;
  double reduced = -1;

  // Of six positions one is ignored (-1), where that may be, and another one wrong (-2).
  Labelled(const AxisView& v, bool with_weight, Reduction r, bool ignore, bool wrong)
      : view(v),
        weighted(with_weight),
        reduction(r),
        x(v.outer * v.axis_size * v.inner, simt::noise),
        weight(v.axis_size, [](int64_t c) { return 0.5 + static_cast<double>(c % 3); }),
        losses(positions()),
        grad(x.size()),
        labels(positions(), [&](int64_t p) {
          if (ignore && p % 6 == 2) return int64_t{-1};
          return wrong && p % 6 == 4 ? int64_t{-2} : 7 * p % v.axis_size;
        }) {}

  int64_t positions() const { return view.outer * view.inner; }
  int64_t element(int64_t p, int64_t c) const {
    return (p / view.inner * view.axis_size + c) * view.inner + p % view.inner;
  }
  Exact weight_of(int64_t c) { return weighted ? static_cast<Exact>(weight[c]) : 1; }
  fastnn::cuda::LabelledInputs<T> inputs() {
    return {view, x.data(), labels.data(), weighted ? weight.data() : nullptr};
  }
  double* result() { return reduction == Reduction::none ? nullptr : &reduced; }

  // exact(p, grads) gives a position's loss and its gradients, of the loss itself.
  template <class Exactly>
  void check(Exact divisor, const Exactly& exact) {
    Exact sum = 0, sizes = 0;
    std::vector<Exact> grads(static_cast<size_t>(view.axis_size));
    for (int64_t p = 0; p < positions(); ++p) {
      std::fill(grads.begin(), grads.end(), Exact{0});
      Exact loss = labels[p] == -2 ? simt::nan<Exact> : 0;
      if (labels[p] >= 0) loss = exact(p, grads);
      if (labels[p] == -2) std::fill(grads.begin(), grads.end(), simt::nan<Exact>);
      CHECK(close(losses[p], loss, 32));
      for (int64_t c = 0; c < view.axis_size; ++c) {
        const Exact wanted = labels[p] == -1 ? 0 : grads[static_cast<size_t>(c)] / divisor;
        CHECK(close(grad[element(p, c)], wanted, 32));
      }
      sum += loss;
      sizes += std::fabs(loss);
    }
    if (reduction != Reduction::none) CHECK(close(static_cast<T>(reduced), sum / divisor, 32, sizes / divisor));
  }
};

template <class T>
void check_nll(const AxisView& view, bool weighted, Reduction reduction, bool wrong) {
  Labelled<T> test(view, weighted, reduction, true, wrong);
  fastnn::cuda::nll_loss<T>(test.inputs(), reduction, test.losses.data(), test.grad.data(), test.result());
  Exact divisor = reduction == Reduction::mean ? 0 : 1;
  for (int64_t p = 0; reduction == Reduction::mean && p < test.positions(); ++p) {
    if (test.labels[p] >= 0) divisor += test.weight_of(test.labels[p]);
  }
  test.check(divisor, [&](int64_t p, std::vector<Exact>& grads) {
    const int64_t label = test.labels[p];
    grads[static_cast<size_t>(label)] = -test.weight_of(label);
    return -test.weight_of(label) * static_cast<Exact>(test.x[test.element(p, label)]);
  });
  const double with_grad = test.reduced;
  fastnn::cuda::nll_loss<T>(test.inputs(), reduction, test.losses.data(), nullptr, test.result());
  CHECK(simt::same_bits(with_grad, test.reduced) || std::isnan(with_grad));
}

template <class T>
void check_multi_margin(const AxisView& view, bool weighted, Reduction reduction, int64_t p, bool wrong) {
  constexpr double margin = 1.5;
  Labelled<T> test(view, weighted, reduction, false, wrong);
  fastnn::cuda::multi_margin_loss<T>(test.inputs(), {reduction, p, margin}, test.losses.data(), test.grad.data(),
                                     test.result());
  const Exact divisor = reduction == Reduction::mean ? static_cast<Exact>(view.outer) : 1;
  test.check(divisor, [&](int64_t row, std::vector<Exact>& grads) {
    const int64_t label = test.labels[row];
    const Exact factor = test.weight_of(label) / static_cast<Exact>(view.axis_size);
    const auto score = [&](int64_t c) { return static_cast<Exact>(test.x[test.element(row, c)]); };
    Exact loss = 0, slopes = 0;
    for (int64_t c = 0; c < view.axis_size; ++c) {
      const Exact h = margin - score(label) + score(c);
      if (c == label || h <= 0) continue;
      loss += factor * (p == 2 ? h * h : h);
      grads[static_cast<size_t>(c)] = factor * (p == 2 ? 2 * h : 1);
      slopes += grads[static_cast<size_t>(c)];
    }
    grads[static_cast<size_t>(label)] = -slopes;
    return loss;
  });
}

template <class T>
void check_labelled() {
  const AxisView views[] = {{7, 3, 1}, {13, 8, 1}, {6, 1, 1}, {3, 100, 1}, {4, 1028, 1}};
  for (const Reduction reduction : reductions) {
    for (const bool weighted : {false, true}) {
      for (const bool wrong : {false, true}) {
        for (const AxisView& view : views) {
          check_nll<T>(view, weighted, reduction, wrong);
          for (const int64_t p : {1, 2}) check_multi_margin<T>(view, weighted, reduction, p, wrong);
        }
        check_nll<T>({2, 3, 5}, weighted, reduction, wrong);
        check_nll<T>({1, 20, 40}, weighted, reduction, wrong);
      }
    }
    check_nll<T>({0, 3, 1}, true, reduction, false);
    check_multi_margin<T>({0, 3, 1}, true, reduction, 1, false);
  }
  // Nobody used: NaN for the mean, but no gradient.
  Labelled<T> test({1, 4, 1}, true, Reduction::mean, false, false);
  test.labels[0] = -1;
  fastnn::cuda::nll_loss<T>(test.inputs(), Reduction::mean, test.losses.data(), test.grad.data(), test.result());
  CHECK(std::isnan(test.reduced));
  for (int64_t c = 0; c < 4; ++c) CHECK(test.grad[c] == 0);
}

template <class T>
void check_all() {
  check_all_pointwise<T>();
  check_pointwise_corners<T>();
  check_signs<float, T>();
  check_signs<double, T>();
  check_signs<int32_t, T>();
  check_signs<int64_t, T>();
  check_labelled<T>();
}

}  // namespace

int main() {
  const simt::Call call;
  check_all<float>();
  check_all<double>();
  return check::finish("test_simt_loss");
}
