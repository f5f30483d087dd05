# The CUDA module, for FASTNN_CUDA=ON: finds nvcc, also in the toolkit of the package index, and enables the language.
# nvcc compiles kernels into a static library; the C++ compiler builds the module. The runtime is linked statically,
# so the module needs no library of the toolkit.
#
# find_package(CUDAToolkit) is of no use: the index' toolkit has no libcudart.so without a version.

# What the index installs beside the building Python, then what the environment names, then the PATH.
execute_process(COMMAND "${Python_EXECUTABLE}" -c "import sysconfig; print(sysconfig.get_path('purelib'))"
  OUTPUT_VARIABLE site_packages OUTPUT_STRIP_TRAILING_WHITESPACE)
find_program(FASTNN_NVCC nvcc NO_DEFAULT_PATH
  PATHS "${site_packages}/nvidia/cu13/bin" ENV CUDA_PATH ENV CUDA_HOME PATH_SUFFIXES bin)
if(NOT FASTNN_NVCC AND DEFINED ENV{CUDACXX})
  set(FASTNN_NVCC "$ENV{CUDACXX}")
endif()
find_program(FASTNN_NVCC nvcc)
if(NOT FASTNN_NVCC)
  message(FATAL_ERROR "FASTNN_CUDA is ON, but there is no nvcc: FASTNN_CUDA=1 pip install . brings one; "
    "for the machine's own toolkit set CUDACXX or CUDA_HOME, or put nvcc on the PATH")
endif()
set(CMAKE_CUDA_COMPILER "${FASTNN_NVCC}")

# The index' toolkit has lib/, where nvcc looks into lib64/.
execute_process(COMMAND "${FASTNN_NVCC}" -dryrun -x cu -c /dev/null ERROR_VARIABLE dryrun OUTPUT_QUIET)
if(dryrun MATCHES "#\\$ TOP=([^\n]+)")
  get_filename_component(toolkit "${CMAKE_MATCH_1}" REALPATH)
  if(EXISTS "${toolkit}/lib/libcudart_static.a" AND NOT EXISTS "${toolkit}/lib64")
    string(APPEND CMAKE_CUDA_FLAGS " -L${toolkit}/lib")
    link_directories("${toolkit}/lib")
  endif()
endif()

set(FASTNN_CUDA_ARCHITECTURES "80-real;90-real;90-virtual" CACHE STRING "As CMAKE_CUDA_ARCHITECTURES")
set(CMAKE_CUDA_ARCHITECTURES "${FASTNN_CUDA_ARCHITECTURES}")
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
enable_language(CUDA)
