# Writes a .cc file with a std::string_view of each of some files:
#   cmake -DOUTPUT=<file.cc> -DFILES=<variable>=<path>,... -P embed.cmake
# in namespace tsdb::tools::assets. A compiler reads a raw string as fast as it reads a comment.
file(WRITE ${OUTPUT}.new
     "#include \"tools/results/assets.h\"\n\n" "namespace tsdb::tools::assets {\n\n")
string(REPLACE "," ";" pairs "${FILES}")
foreach(pair IN LISTS pairs)
  string(REPLACE "=" ";" pair "${pair}")
  list(GET pair 0 variable)
  list(GET pair 1 path)
  file(READ "${path}" content)
  # The banner of a minified library, which names its home.
  string(REGEX REPLACE "^/\\*![^\n]*\\*/\n" "" content "${content}")
  file(APPEND ${OUTPUT}.new
       "const std::string_view ${variable} = R\"tsdb_asset(" "${content}" ")tsdb_asset\";\n\n")
endforeach()
file(APPEND ${OUTPUT}.new "}  // namespace tsdb::tools::assets\n")
file(RENAME ${OUTPUT}.new ${OUTPUT})
