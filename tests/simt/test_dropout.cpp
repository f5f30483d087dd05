// The masks are those of Philox4x32-10: its published vector, and the same fate for an element in any piece, also under
// a key that is read from memory.
#include "../cpp/check.h"
#include "cuda/captured.h"
#include "simt/call.h"

namespace {

// Counter and key 0 give the words 6627e8d5 e169c58d bc57ac4c 9b00dbd8 (Random123's kat_vectors).
void check_known_words() {
  const double words[] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  for (int64_t i = 0; i < 4; ++i) {
    for (const double above : {0.0, 1.0}) {
      simt::Array<double> x(4, [](int64_t) { return 1.0; });
      fastnn::cuda::dropout<double>(4, (words[i] + above) / 0x1p32, {0, 0}, x.data(), x.data());
      CHECK((x[i] == 0.0) == (above > 0.0));
    }
  }
}

template <class T>
void check_offsets(int64_t n) {
  const fastnn::DropoutKey key{0x123456789ABCDEF, 5};
  simt::Array<T> x(n, simt::noise), y(n), shifted_x(n, simt::noise, 1), shifted_y(n, 1);
  fastnn::cuda::dropout<T>(n, 0.4, key, x.data(), y.data());
  fastnn::cuda::dropout<T>(n, 0.4, key, shifted_x.data(), shifted_y.data());
  for (int64_t i = 0; i < n; ++i) CHECK(y[i] == shifted_y[i]);
}

template <class T>
void check_planes(int64_t count, int64_t cells) {
  const fastnn::DropoutKey key{99, 1};
  simt::Array<T> ones(count, [](int64_t) { return 1; }), factors(count), x(count * cells, simt::noise),
      y(count * cells);
  fastnn::cuda::dropout<T>(count, 0.3, key, ones.data(), factors.data());
  fastnn::cuda::dropout2d<T>({count, cells}, 0.3, key, x.data(), y.data());
  for (int64_t i = 0; i < count * cells; ++i) CHECK(y[i] == x[i] * factors[i / cells]);
}

template <class T>
void check_key_in_memory(int64_t n) {
  simt::Array<fastnn::DropoutKey> key(1);
  key[0] = {0x123456789ABCDEF, (uint64_t{7} << 32) + 5};
  simt::Array<T> x(8 * n, simt::noise), given(8 * n), read(8 * n);
  fastnn::cuda::dropout<T>(8 * n, 0.4, key[0], x.data(), given.data());
  fastnn::cuda::dropout<T>(8 * n, 0.4, key.data(), x.data(), read.data());
  for (int64_t i = 0; i < 8 * n; ++i) CHECK(read[i] == given[i]);
  fastnn::cuda::dropout2d<T>({8, n}, 0.4, key[0], x.data(), given.data());
  fastnn::cuda::dropout2d<T>({8, n}, 0.4, key.data(), x.data(), read.data());
  for (int64_t i = 0; i < 8 * n; ++i) CHECK(read[i] == given[i]);
}

template <class T>
void check_all() {
  for (const int64_t n : {0, 1, 3, 4, 7, 1025}) check_offsets<T>(n);
  check_planes<T>(6, 1);
  check_planes<T>(9, 300);
  check_planes<T>(3, 0);
  check_key_in_memory<T>(129);
}

}  // namespace

int main() {
  const simt::Call call;
  check_known_words();
  check_all<float>();
  check_all<double>();
  return check::finish("test_simt_dropout");
}
