// Layer normalisation against its formulas in double, row by row: rows for a warp and for a block, arrays that are not
// aligned, rows of no elements, large means, gradients that are not wanted.
#include <cmath>

#include "../cpp/check.h"
#include "ops/layer_norm.h"
#include "simt/comparison.h"

namespace {

struct Case {
  int64_t rows, length;
  bool affine;
  int64_t offset;
  int64_t size() const { return rows * length; }
};

template <class T>
class Check {
 public:
  explicit Check(const Case& c)
      : c_(c),
        x_(
            c.size(), [](int64_t i) { return simt::noise(i) + 3; }, c.offset),
        g_(
            c.size(), [](int64_t i) { return simt::noise(i + 7777); }, c.offset),
        weight_(
            c.length, [](int64_t i) { return simt::noise(i + 1); }, c.offset),
        bias_(
            c.length, [](int64_t i) { return simt::noise(i + 50); }, c.offset),
        mean_(c.rows),
        rstd_(c.rows) {}

  void run() {
    forward();
    backward(true, true, true, false);
    backward(true, false, false, true);
    backward(false, true, false, true);
    backward(false, false, true, false);
    backward(false, true, true, true);
  }

 private:
  double weight(int64_t j) { return c_.affine ? static_cast<double>(weight_[j]) : 1; }
  double bias(int64_t j) { return c_.affine ? static_cast<double>(bias_[j]) : 0; }
  double xhat(int64_t i) {
    return (static_cast<double>(x_[i]) - static_cast<double>(mean_[i / c_.length])) *
           static_cast<double>(rstd_[i / c_.length]);
  }
  void close(double given, double expected, double scale) {
    CHECK(std::abs(given - expected) <= 40 * simt::eps<T> * scale);
  }

  // y in place of x.
  void forward() {
    simt::Array<T> y(c_.size(), [this](int64_t i) { return x_[i]; }, c_.offset);
    fastnn::cuda::layer_norm_forward<T>(
        {c_.rows, c_.length, y.data(), c_.affine ? weight_.data() : nullptr, c_.affine ? bias_.data() : nullptr, 1e-3},
        y.data(), mean_.data(), rstd_.data());
    const auto n = static_cast<long double>(c_.length);
    for (int64_t row = 0; row < c_.rows && c_.length > 0; ++row) {
      long double sum = 0, m2 = 0;
      for (int64_t j = 0; j < c_.length; ++j) sum += x_[row * c_.length + j];
      for (int64_t j = 0; j < c_.length; ++j) {
        const long double d = x_[row * c_.length + j] - sum / n;
        m2 += d * d;
      }
      const auto rstd = static_cast<double>(1 / std::sqrt(m2 / n + 1e-3L));
      CHECK(std::abs(static_cast<double>(mean_[row]) - static_cast<double>(sum / n)) <= 16 * simt::eps<T>);
      CHECK(std::abs(static_cast<double>(rstd_[row]) - rstd) <= 2 * simt::eps<T> * rstd);
    }
    for (int64_t i = 0; i < c_.size(); ++i) {
      close(static_cast<double>(y[i]), xhat(i) * weight(i % c_.length) + bias(i % c_.length), 20);
    }
  }

  // grad_x in place of grad_output.
  void backward(bool wants_x, bool wants_weight, bool wants_bias, bool accumulate) {
    simt::Array<T> grad_x(c_.size(), [this](int64_t i) { return g_[i]; }, c_.offset);
    simt::Array<T> grad_weight(c_.length, [](int64_t) { return 5; }), grad_bias(c_.length, [](int64_t) { return 6; });
    fastnn::cuda::layer_norm_backward<T>(
        {c_.rows, c_.length, grad_x.data(), x_.data(), mean_.data(), rstd_.data(),
         c_.affine ? weight_.data() : nullptr},
        {wants_x ? grad_x.data() : nullptr, wants_weight ? grad_weight.data() : nullptr,
         wants_bias ? grad_bias.data() : nullptr, accumulate});
    check_rows(grad_x, wants_x);
    for (int64_t j = 0; j < c_.length; ++j) {
      double sum = 0, product = 0, size = 6;
      for (int64_t i = j; i < c_.size(); i += c_.length) {
        const auto g = static_cast<double>(g_[i]);
        sum += g, product += g * xhat(i), size += std::abs(g) * (1 + std::abs(xhat(i)));
      }
      close(static_cast<double>(grad_weight[j]), wants_weight ? product + (accumulate ? 5 : 0) : 5, size);
      close(static_cast<double>(grad_bias[j]), wants_bias ? sum + (accumulate ? 6 : 0) : 6, size);
    }
  }

  void check_rows(simt::Array<T>& grad_x, bool wanted) {
    const auto n = static_cast<double>(c_.length);
    for (int64_t row = 0; row < c_.rows; ++row) {
      double sum = 0, product = 0;
      for (int64_t j = 0; j < c_.length; ++j) {
        const int64_t i = row * c_.length + j;
        const double u = static_cast<double>(g_[i]) * weight(j);
        sum += u, product += u * xhat(i);
      }
      for (int64_t j = 0; j < c_.length; ++j) {
        const int64_t i = row * c_.length + j;
        const auto g = static_cast<double>(g_[i]);
        const double expected = static_cast<double>(rstd_[row]) * (g * weight(j) - sum / n - xhat(i) * product / n);
        close(static_cast<double>(grad_x[i]), wanted ? expected : g, 40);
      }
    }
  }

  const Case c_;
  simt::Array<T> x_, g_, weight_, bias_, mean_, rstd_;
};

template <class T>
void check_all() {
  for (const int64_t length : {1, 3, 4, 33, 256, 300, 700, 1024, 1025, 1028, 6000}) {
    const int64_t rows = length < 300 ? 19 : 2;
    Check<T>({rows, length, true, 0}).run();
    Check<T>({rows, length, false, 1}).run();
  }
  for (const Case& c : {Case{0, 5, true, 0}, Case{3, 0, true, 0}, Case{700, 8, true, 0}}) Check<T>(c).run();
}

// E[x^2] - E[x]^2 would lose all digits.
void check_large_mean(int64_t length, double ratio) {
  simt::Array<float> x(length, [=](int64_t i) { return simt::noise(i) + 4 * ratio; }), y(length), mean(1), rstd(1);
  fastnn::cuda::layer_norm_forward<float>({1, length, x.data(), nullptr, nullptr, 0}, y.data(), mean.data(),
                                          rstd.data());
  double sum = 0, m2 = 0;
  for (int64_t i = 0; i < length; ++i) sum += static_cast<double>(x[i]);
  const double centre = sum / static_cast<double>(length);
  for (int64_t i = 0; i < length; ++i) m2 += std::pow(static_cast<double>(x[i]) - centre, 2);
  const double expected = 1 / std::sqrt(m2 / static_cast<double>(length));
  CHECK(std::abs(static_cast<double>(mean[0]) - centre) <= 6e-8 * std::abs(centre) + 1e-7);
  CHECK(std::abs(static_cast<double>(rstd[0]) - expected) <= 2e-7 * expected);
}

// Exactly: the deviations are 0.
template <class T>
void check_constant(int64_t length) {
  simt::Array<T> x(length, [](int64_t) { return 1e4 / 3; }), y(length), mean(1), rstd(1);
  fastnn::cuda::layer_norm_forward<T>({1, length, x.data(), nullptr, nullptr, 0.25}, y.data(), mean.data(),
                                      rstd.data());
  CHECK(mean[0] == x[0]);
  CHECK(rstd[0] == T(2));
  for (int64_t i = 0; i < length; ++i) CHECK(y[i] == T(0));
}

// The bits of sums do not depend on where an array lies.
void check_bits(int64_t length) {
  simt::Array<float> x(length, simt::noise), shifted(length, simt::noise, 1), y(length), mean(2), rstd(2);
  fastnn::cuda::layer_norm_forward<float>({1, length, x.data(), nullptr, nullptr, 0}, y.data(), mean.data(),
                                          rstd.data());
  fastnn::cuda::layer_norm_forward<float>({1, length, shifted.data(), nullptr, nullptr, 0}, y.data(), &mean[1],
                                          &rstd[1]);
  CHECK(mean[0] == mean[1] && rstd[0] == rstd[1]);
}

}  // namespace

int main() {
  const simt::Call call;
  check_all<float>();
  check_all<double>();
  for (const int64_t length : {10, 768, 20000}) {
    for (const double ratio : {0.0, 1.0, 1000.0}) check_large_mean(length, ratio);
    check_bits(length);
    check_constant<float>(length);
    check_constant<double>(length);
  }
  return check::finish("test_simt_layer_norm");
}
