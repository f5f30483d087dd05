# fastnn_options: the warnings and sanitizer flags of every own target; hardening.cmake adds more.

find_package(Threads REQUIRED)

add_library(fastnn_options INTERFACE)
target_include_directories(fastnn_options INTERFACE "${PROJECT_SOURCE_DIR}/csrc")
target_link_libraries(fastnn_options INTERFACE Threads::Threads)

# A product and a sum are fused only where the code says fma, so an edge tile rounds like a full one.
target_compile_options(fastnn_options INTERFACE
  -ffp-contract=off -fno-math-errno -fno-trapping-math
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
  $<$<BOOL:${FASTNN_WERROR}>:-Werror>)

if(FASTNN_SANITIZE)
  # Optimised further, or with more than lines for the debugger, the instrumented kernels take gcc 12 many minutes a unit.
  target_compile_options(fastnn_options INTERFACE
    -O1 -fsanitize=${FASTNN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  target_link_options(fastnn_options INTERFACE -fsanitize=${FASTNN_SANITIZE})
endif()
